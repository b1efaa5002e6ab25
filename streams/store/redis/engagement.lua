#!lua name=NAME
-- The store's server-side functions. Each call checks everything before its first write, as Redis does not take
-- back what a failing function has written. Times are whole microseconds unless a name says otherwise.
-- Rests on decisions 28, 30, 32, 33, 67 and 103.

-- The partition of the erasures; its fence in a group is up to where a writer must have read them.
local ERASURES = 'engagement-erasures/0'

-- HSET and HDEL take many fields, but unpack() only so many values.
local MOST = 2000

local function each(command, key, items, from, to)
  while from <= to do
    local last = math.min(from + MOST - 1, to)
    redis.call(command, key, unpack(items, from, last))
    from = last + 1
  end
end

local function offset_of(fences, partition)
  return (redis.call('HGET', fences, partition) or ''):match('^%d*')
end

-- Says why a key cannot be written: it holds something else, or the user of the connection lacks the right.
local function obstacle(key, kind)
  local held = redis.call('TYPE', key).ok
  if held ~= kind and held ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. held .. ' and not a ' .. kind)
  end
  local set, remove = 'HSET', 'HDEL'
  if kind == 'zset' then
    set, remove = 'ZADD', 'ZREM'
  end
  if not (redis.acl_check_cmd(set, key, '0', '0') and redis.acl_check_cmd(remove, key, '0')) then
    return redis.error_reply('NOPERM ' .. set .. ' and ' .. remove .. ' of ' .. key .. ' have to be allowed')
  end
end

-- Says why one of some keys cannot be written; written names the kind of each.
local function obstacle_among(written)
  for key, kind in pairs(written) do
    local obstructed = obstacle(key, kind)
    if obstructed then
      return obstructed
    end
  end
end

-- Where a customer without a score yet is kept: applications must find no hash that lacks what they read.
local function unscored(prefix, id)
  return prefix .. '_unscored:' .. id
end

-- Gives the version of a customer, '' for none; '?', which no write has, where a key holds something else than a hash.
local function version_of(prefix, id)
  local version = redis.pcall('HGET', prefix .. 'customer:' .. id, '_v')
  version = version or redis.pcall('HGET', unscored(prefix, id), '_v')
  return type(version) == 'table' and '?' or version or ''
end

-- Gives the key under which a customer is kept, scored or not; that of the scored one where there is none.
local function place_of(prefix, id)
  local key, other = prefix .. 'customer:' .. id, unscored(prefix, id)
  return redis.call('EXISTS', key) == 0 and redis.call('EXISTS', other) == 1 and other or key
end

-- Gives the names of a customer's fields, none where the key holds something else.
local function names_at(key)
  local names = redis.pcall('HKEYS', key)
  return names.err and {} or names
end

-- Takes a customer to the key under which one with a score is kept, or one without; returns the key.
local function take_place(prefix, id, scored)
  local from, to = unscored(prefix, id), prefix .. 'customer:' .. id
  if not scored then
    from, to = to, from
  end
  local fields = redis.pcall('HGETALL', from)
  if #fields > 0 then
    if redis.call('EXISTS', to) == 0 then
      each('HSET', to, fields, 1, #fields)
    end
    redis.call('DEL', from)
  end
  return to
end

-- Notes the newest of something: the largest of whole numbers, too large for Redis to calculate with; 0 removes it.
local function note_newest(key, field, value)
  local stands = redis.call('HGET', key, field) or ''
  if value == '0' then
    redis.call('HDEL', key, field)
  elseif not stands:match('^%d+$') or #value > #stands or (#value == #stands and value > stands) then
    redis.call('HSET', key, field, value)
  end
end

-- Adds to sums over customers; what becomes 0 is removed, so that they do not grow with the days that are forgotten.
-- args from an index on: number of sums, then per sum: its name ('' for all customers), number of fields, then per
--                        field: its name, what is to be added. Spells, which few readers want, have a hash of their own.
--                        Of a field that begins with ^ the largest stays. Where the name begins with 'largest:' and a
--                        number, events are counted by the value of a property, see count_largest.
-- returns: the index after them.
local function sums_at(prefix, group, args, at, visit)
  local sums = tonumber(args[at])
  at = at + 1
  for _ = 1, sums do
    local limit = args[at]:match('^largest:(%d+):')
    local name = args[at] == '' and '' or ':' .. args[at]
    local days, spells = prefix .. '_kpi:' .. group .. name, prefix .. '_spells:' .. group .. name
    local fields = tonumber(args[at + 1])
    at = at + 2
    visit(days, spells, at, fields, limit)
    at = at + 2 * fields
  end
  return at
end

-- Names the hash of the counts of one day, and the sorted set of the values by what they may have at most.
local function largest_at(key, field)
  local day = key .. ':' .. field:match('^%d+')
  return day, day .. ':order'
end

-- Returns whether one of some codes, of four characters each, is a code.
local function is_among(codes, code)
  for at = 1, #codes, 4 do
    if codes:sub(at, at + 3) == code then
      return true
    end
  end
end

-- Counts events by the value of a property, but of a day at most so many values: a new one takes the room of the one
-- with the least, and begins with what that may have had. The hash of a day has, by value, the codes of its types after
-- a '=' and the count of each after its code; under '#' the most that may be missing from a count.
-- field: day, '.', code, value.
-- Rests on decision 103.
local function count_largest(key, field, count, limit)
  local code, value = field:match('^%d+%.(....)(.*)$')
  local day, order = largest_at(key, field)
  local codes = redis.call('HGET', day, '=' .. value)
  if not codes then
    codes = ''
    if redis.call('ZCARD', order) >= limit then
      local least, had = unpack(redis.call('ZRANGEBYSCORE', order, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1))
      local gone = redis.call('HGET', day, '=' .. least) or ''
      for at = 1, #gone, 4 do
        redis.call('HDEL', day, gone:sub(at, at + 3) .. least)
      end
      redis.call('HDEL', day, '=' .. least)
      redis.call('ZREM', order, least)
      redis.call('ZADD', order, had, value)
      redis.call('HSET', day, '#', had)
    end
  end
  if not is_among(codes, code) then
    redis.call('HSET', day, '=' .. value, codes .. code)
  end
  redis.pcall('HINCRBY', day, code .. value, count)
  redis.pcall('HINCRBY', key, field:match('^%d+%.....'), count)
  redis.call('ZADD', order, 'INCR', count, value)
end

local function add_sums(prefix, group, args, at)
  return sums_at(prefix, group, args, at, function(days, spells, first, fields, limit)
    if limit then
      for field = first, first + 2 * fields - 2, 2 do
        count_largest(days, args[field], args[field + 1], tonumber(limit))
      end
      return
    end
    for field = first, first + 2 * fields - 2, 2 do
      local kind = args[field]:sub(1, 1)
      local key = kind == 's' and spells or days
      if kind == '^' then
        note_newest(key, args[field], args[field + 1])
      else
        local total = redis.pcall('HINCRBY', key, args[field], args[field + 1])
        if total == 0 then
          redis.call('HDEL', key, args[field])
        elseif type(total) == 'table' then
          -- Somebody has written there what is no number; to fail here would leave a call carried out in part.
          redis.call('HSET', key, args[field], args[field + 1])
        end
      end
    end
  end)
end

-- Gives the key of the schedule of absences in which a customer stands whose hash is under a key; nil for none.
local function absences_of(prefix, key, group)
  local words = redis.pcall('HGET', key, '_b')
  local segment = type(words) == 'string' and words:match('^([^;]*);')
  return segment and prefix .. '_absences:' .. segment .. ':' .. group or nil
end

-- Takes a customer whose hash is under a key out of the schedules of absence.
local function unschedule_absences(prefix, key, group, id)
  local schedule = absences_of(prefix, key, group)
  if schedule then
    redis.call('ZREM', schedule, id)
  end
end

-- Goes through changes of the schedules of absence.
-- args from an index on: number of changes, then per change: id, what the keys of the schedule end in where the
--                        customer is taken out and is put ('' for none), the reading there
-- returns: the index after them.
local function absences_at(prefix, args, at, visit)
  for change = at + 1, at + 4 * tonumber(args[at]), 4 do
    local from = args[change + 1] ~= '' and prefix .. '_absences:' .. args[change + 1]
    local to = args[change + 2] ~= '' and prefix .. '_absences:' .. args[change + 2]
    visit(args[change], from, to, args[change + 3])
  end
  return at + 1 + 4 * tonumber(args[at])
end

-- Writes the customers of one fence group and moves its fences, all or nothing.
-- keys: hash of the group's fences
-- args: prefix of every key, group, milliseconds of the wall clock,
--       number of fences, then per fence: partition, expected offset ('' for none), new fence (offset ; newest),
--       number of other fences, then per fence: partition, offset at which it stands at least,
--       number of customers, then per customer: id, expected version ('' for none), old band, new band ('' for
--       none), second at which it was entered, schedule ('' as it is, '-' none, 'c' or 'r' and a time: crossing or
--       refresh), numbers of messages, of values to set and of fields to remove, these messages (name, text), values
--       and fields;
--       sums over customers, see add_sums;
--       changes of the schedules of absence, see absences_at;
--       digest of the policy by which the customers were judged ('' where there are none);
--       up to where the writer has read the erasures.
-- returns: {} when written, {'held'}, {'policy'}, {'fence', partition, offset} or {'version', ids...} when refused.
-- `check` says why it cannot be done, or from where on the customers stand in the arguments; `write` does it.
local function check(fences, args)
  local prefix, group = args[1], args[2]
  if redis.call('EXISTS', prefix .. '_hold') == 1 then
    return {'held'}
  end
  local judged_by = args[#args - 1]
  if judged_by ~= '' and (redis.call('HGET', prefix .. '_policy', 'digest') or judged_by) ~= judged_by then
    return {'policy'}
  end
  local erased = offset_of(fences, ERASURES)
  if erased ~= '' and tonumber(erased) > tonumber(args[#args]) then
    return {'fence', ERASURES, erased}
  end
  local at = 5
  for _ = 1, tonumber(args[4]) do
    local stands = offset_of(fences, args[at])
    if stands ~= args[at + 1] then
      return {'fence', args[at], stands}
    end
    at = at + 3
  end
  local others = tonumber(args[at])
  at = at + 1
  for _ = 1, others do
    local stands = offset_of(fences, args[at])
    if (tonumber(stands) or 0) < tonumber(args[at + 1]) then
      return {'fence', args[at], stands}
    end
    at = at + 2
  end
  local customers_at = at + 1
  local customers = tonumber(args[at])
  local moved = {'version'}
  local crossings, refreshes = prefix .. '_crossings:' .. group, prefix .. '_refreshes:' .. group
  local outbox, messages = prefix .. '_outbox:' .. group, prefix .. '_messages:' .. group
  local written = {[fences] = 'hash', [crossings] = 'zset', [refreshes] = 'zset'}
  at = customers_at
  for _ = 1, customers do
    if version_of(prefix, args[at]) ~= args[at + 1] then
      moved[#moved + 1] = args[at]
    end
    if args[at + 2] ~= args[at + 3] then
      written[prefix .. 'band:' .. args[at + 3]] = 'zset'
      if args[at + 2] ~= '' then
        written[prefix .. 'band:' .. args[at + 2]] = 'zset'
      end
    end
    if args[at + 6] ~= '0' then
      written[outbox], written[messages] = 'zset', 'hash'
    end
    at = at + 9 + 2 * tonumber(args[at + 6]) + tonumber(args[at + 7]) + tonumber(args[at + 8])
  end
  if #moved > 1 then
    return moved
  end
  local may_add = true
  at = sums_at(prefix, group, args, at, function(days, spells, first, fields, limit)
    written[days], written[spells] = 'hash', 'hash'
    for field = first, limit and first + 2 * fields - 2 or 0, 2 do
      local day, order = largest_at(days, args[field])
      written[day], written[order] = 'hash', 'zset'
    end
    may_add = may_add and redis.acl_check_cmd('HINCRBY', days, '0', '0')
  end)
  absences_at(prefix, args, at, function(_, from, to)
    for _, schedule in ipairs({from or to, to or from}) do
      written[schedule] = 'zset'
    end
  end)
  if not may_add then
    return redis.error_reply('NOPERM HINCRBY of ' .. prefix .. '_kpi:' .. group .. ' has to be allowed')
  end
  if customers > 0 then
    written[prefix .. 'customer:' .. args[customers_at]] = 'hash'
  end
  return obstacle_among(written), customers_at
end

local function write(fences, args, customers_at)
  local prefix, group, now_ms = args[1], args[2], args[3]
  local crossings, refreshes = prefix .. '_crossings:' .. group, prefix .. '_refreshes:' .. group
  local outbox, messages = prefix .. '_outbox:' .. group, prefix .. '_messages:' .. group
  local at = customers_at
  for _ = 1, tonumber(args[customers_at - 1]) do
    local id, old_band, band, since, schedule = args[at], unpack(args, at + 2, at + 5)
    local key, raised = prefix .. 'customer:' .. id, tonumber(args[at + 6])
    if old_band == '' then
      key = take_place(prefix, id, band ~= '')
    end
    local set, removed = tonumber(args[at + 7]), tonumber(args[at + 8])
    local first = at + 9 + 2 * raised
    for message = at + 9, first - 1, 2 do
      local entry = args[message] .. ' ' .. id
      redis.call('HSET', messages, entry, args[message + 1])
      redis.call('ZADD', outbox, now_ms, entry)
    end
    each('HSET', key, args, first, first + set - 1)
    each('HDEL', key, args, first + set, first + set + removed - 1)
    if band ~= old_band then
      if old_band ~= '' then
        redis.call('ZREM', prefix .. 'band:' .. old_band, id)
      end
      redis.call('ZADD', prefix .. 'band:' .. band, since, id)
    end
    if schedule ~= '' then
      local kind, time = schedule:sub(1, 1), schedule:sub(2)
      if kind == 'c' then
        redis.call('ZREM', refreshes, id)
        redis.call('ZADD', crossings, time, id)
      elseif kind == 'r' then
        redis.call('ZREM', crossings, id)
        redis.call('ZADD', refreshes, time, id)
      else
        redis.call('ZREM', crossings, id)
        redis.call('ZREM', refreshes, id)
      end
    end
    at = first + set + removed
  end
  at = add_sums(prefix, group, args, at)
  absences_at(prefix, args, at, function(id, from, to, due)
    if from then
      redis.call('ZREM', from, id)
    end
    if to then
      redis.call('ZADD', to, due, id)
    end
  end)
  at = 5
  for _ = 1, tonumber(args[4]) do
    redis.call('HSET', fences, args[at], args[at + 2])
    at = at + 3
  end
end

local function apply(keys, args)
  local refused, customers_at = check(keys[1], args)
  if refused then
    return refused
  end
  write(keys[1], args, customers_at)
  return {}
end

-- Reads customers.
-- keys: hash of a group's fences (for the routing)
-- args: prefix, then ids
-- returns: for each customer its fields and values in turn, nothing for one who is not stored; one word where the key
--          holds something else than a hash: what that is.
local function load(keys, args)
  local found = {}
  for at = 2, #args do
    local key = args[1] .. 'customer:' .. args[at]
    local customer = redis.pcall('HGETALL', key)
    if #customer == 0 and not customer.err then
      key = unscored(args[1], args[at])
      customer = redis.pcall('HGETALL', key)
    end
    if customer.err then
      if not customer.err:match('WRONGTYPE') then
        return customer
      end
      customer = {redis.pcall('TYPE', key).ok or 'something else'}
    end
    found[at - 1] = customer
  end
  return found
end

-- Takes messages out of the outbox.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, then the entries.
local function published(keys, args)
  local outbox, messages = args[1] .. '_outbox:' .. args[2], args[1] .. '_messages:' .. args[2]
  for at = 3, #args do
    redis.call('HDEL', messages, args[at])
    redis.call('ZREM', outbox, args[at])
  end
  return #args
end

-- Takes all messages of customers out of the outbox; ids is a set.
local function take_back(prefix, group, ids)
  local outbox, messages = prefix .. '_outbox:' .. group, prefix .. '_messages:' .. group
  for _, entry in ipairs(redis.call('HKEYS', messages)) do
    if ids[entry:match(' (.*)$')] then
      redis.call('HDEL', messages, entry)
      redis.call('ZREM', outbox, entry)
    end
  end
end

-- Lists customers that are due, for one worker at a time.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, 'crossings' or 'refreshes', until, most, worker, milliseconds for which the worker is alone.
local function due(keys, args)
  local prefix, group, worker = args[1], args[2], args[6]
  local found = redis.call('ZRANGEBYSCORE', prefix .. '_' .. args[3] .. ':' .. group, '-inf', args[4], 'LIMIT', 0, args[5])
  if #found == 0 then
    return found
  end
  local lease = prefix .. '_lease:' .. group
  local holder = redis.call('GET', lease)
  if holder and holder ~= worker then
    return {}
  end
  redis.call('SET', lease, worker, 'PX', args[7])
  return found
end

-- Takes customers out of the schedules who cannot be judged, unless they have been written meanwhile.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, then per customer: id, version as read.
local function unschedule(keys, args)
  for at = 3, #args, 2 do
    local version = version_of(args[1], args[at])
    if version == args[at + 1] or version == '?' then
      for _, kind in ipairs({'_crossings:', '_refreshes:'}) do
        redis.call('ZREM', args[1] .. kind .. args[2], args[at])
      end
    end
  end
  return #args
end

-- Takes an id out of what links it with others: those that stand for it go, and its customer forgets it.
local function unlink(prefix, id)
  local key = place_of(prefix, id)
  local names = names_at(key)
  for _, field in ipairs(names) do
    if field:sub(1, 2) == '_l' then
      redis.call('DEL', prefix .. 'customer:' .. field:sub(3))
    end
  end
  local customer = #names > 0 and not redis.call('HGET', key, '_s') and redis.call('HGET', key, 'customer_id')
  if customer then
    redis.pcall('HDEL', place_of(prefix, customer), '_l' .. id)
  end
end

-- Erases a customer, once for each erasure, and refuses every writer from then on who does not know of it.
-- keys: hash of the group's fences
-- args: prefix, group, digest of the customer, time of the erasure, offset of its tombstone, customer, its version as
--       read ('' for none), what it leaves to be added to the sums (see add_sums), then all bands
-- returns: nothing if it had been carried out before, {'version'} if the customer has another one, {'absent'} if there
--          was no customer, else the fences of the group, names and values in turn.
local function erase(keys, args)
  local prefix, group, id = args[1], args[2], args[6]
  if tonumber(redis.call('HGET', prefix .. '_erased', args[3]) or -1) >= tonumber(args[4]) then
    return {}
  end
  local version = version_of(prefix, id)
  if version ~= args[7] and version ~= '?' then
    return {'version'}
  end
  unlink(prefix, id)
  unschedule_absences(prefix, place_of(prefix, id), group, id)
  local existed = redis.call('DEL', prefix .. 'customer:' .. id, unscored(prefix, id))
  for at = add_sums(prefix, group, args, 8), #args do
    redis.call('ZREM', prefix .. 'band:' .. args[at], id)
  end
  for _, kind in ipairs({'_crossings:', '_refreshes:'}) do
    redis.call('ZREM', prefix .. kind .. group, id)
  end
  take_back(prefix, group, {[id] = true})
  redis.call('HSET', prefix .. '_erased', args[3], args[4])
  redis.call('HINCRBY', prefix .. '_erased', 'n', 1)
  if (tonumber(offset_of(keys[1], ERASURES)) or 0) <= tonumber(args[5]) then
    redis.call('HSET', keys[1], ERASURES, string.format('%d;0', args[5] + 1))
  end
  return existed > 0 and redis.call('HGETALL', keys[1]) or {'absent'}
end

-- Lets the sums of a group forget days, unless that has been done.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, name of the sums, day from which they are kept now ('' if from the first), day from which they
--       are kept then, what is to be added to them (see add_sums).
local function fold(keys, args)
  local folded, field = args[1] .. '_kpi_from', args[2] .. ':' .. args[3]
  if (redis.call('HGET', folded, field) or '') == args[4] then
    add_sums(args[1], args[2], args, 6)
    redis.call('HSET', folded, field, args[5])
  end
  return redis.status_reply('OK')
end

-- Refuses every writer of a group who has not read the erasures up to an offset.
-- keys: hash of the group's fences
-- args: the offset.
local function require_erasures(keys, args)
  if (tonumber(offset_of(keys[1], ERASURES)) or 0) < tonumber(args[1]) then
    redis.call('HSET', keys[1], ERASURES, args[1] .. ';0')
  end
  return redis.status_reply('OK')
end

-- Notes that erasures have been carried out.
-- keys: hash of the erasures
-- args: per erasure: digest, time.
local function settle_erasures(keys, args)
  for at = 1, #args, 2 do
    if tonumber(redis.call('HGET', keys[1], args[at]) or -1) < tonumber(args[at + 1]) then
      redis.call('HSET', keys[1], args[at], args[at + 1])
      redis.call('HINCRBY', keys[1], 'n', 1)
    end
  end
  return redis.status_reply('OK')
end

-- Stores the marks of a worker's partitions, unless a later generation of the consumer group has reported or the
-- fences stand before the mark: then the store has forgotten what the mark rests on.
-- keys: hash of the marks
-- args: prefix, number of groups, microseconds after which an old generation is forgotten, then per mark: partition,
--       mark (generation ; time reported ; offset ; the rest).
-- returns: all marks, names and values in turn.
local function marks(keys, args)
  for at = 4, #args, 2 do
    local generation, reported, offset = args[at + 1]:match('^(%-?%d+);(%d+);(%d+);')
    local stored = redis.call('HGET', keys[1], args[at])
    local old_generation, old_reported = (stored or ''):match('^(%-?%d+);(%d+);')
    local fresh = not stored or tonumber(old_generation) <= tonumber(generation)
        or tonumber(reported) - tonumber(old_reported) > tonumber(args[3])
    for group = 0, tonumber(args[2]) - 1 do
      local stands = offset_of(args[1] .. '_fences:' .. group, args[at])
      fresh = fresh and (tonumber(stands) or 0) >= tonumber(offset)
    end
    if fresh then
      redis.call('HSET', keys[1], args[at], args[at + 1])
    end
  end
  return redis.call('HGETALL', keys[1])
end

-- Returns which calls the user may not make.
-- args: per call: number of words, words.
-- returns: the numbers of the refused calls, the first being 0.
local function forbidden(keys, args)
  local refused, number, at = {}, 0, 1
  while at <= #args do
    local last = at + tonumber(args[at])
    if not redis.acl_check_cmd(unpack(args, at + 1, last)) then
      refused[#refused + 1] = number
    end
    number, at = number + 1, last + 1
  end
  return refused
end

-- Lets nobody write scores for a while, or a while longer.
-- keys: the hold
-- args: who holds, milliseconds.
-- returns: whether it holds; another may.
local function hold(keys, args)
  local holder = redis.call('GET', keys[1])
  if holder and holder ~= args[1] then
    return 0
  end
  redis.call('SET', keys[1], args[1], 'PX', args[2])
  return 1
end

-- Lets others write again.
-- keys: the hold
-- args: who holds.
local function release(keys, args)
  if redis.call('GET', keys[1]) == args[1] then
    redis.call('DEL', keys[1])
  end
  return redis.status_reply('OK')
end

-- Reads customers with their places in the indexes.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, number of bands, the bands, then ids
-- returns: for each customer: fields and values in turn, or what the key holds, see load; for each band, the crossings
--          and the refreshes the number under which the customer stands there, '' for nowhere.
local function inspect(keys, args)
  local prefix, group, bands = args[1], args[2], tonumber(args[3])
  local found = {}
  for at = 4 + bands, #args do
    local places = {}
    for band = 4, 3 + bands do
      places[#places + 1] = redis.call('ZSCORE', prefix .. 'band:' .. args[band], args[at]) or ''
    end
    places[#places + 1] = redis.call('ZSCORE', prefix .. '_crossings:' .. group, args[at]) or ''
    places[#places + 1] = redis.call('ZSCORE', prefix .. '_refreshes:' .. group, args[at]) or ''
    found[#found + 1] = {load(keys, {prefix, args[at]})[1], places}
  end
  return found
end

-- Puts customers in the place of others, or takes them away where the other namespace has none; who waits to be
-- published stays. Refused unless the caller holds, and both namespaces have applied the same.
-- keys: hash of the group's fences
-- args: prefix, prefix of the other namespace, group, who holds, number of bands, the bands, what is to be added to the
--       sums (see add_sums), then per customer: id, version as read ('' for none), numbers of values to set and of
--       fields to remove after that, these values and fields
-- returns: {} when done, {'held'}, {'fence', partition}, {'version', id} when refused.
local function replace(keys, args)
  local prefix, other, group, bands = args[1], args[2], args[3], tonumber(args[5])
  if redis.call('GET', prefix .. '_hold') ~= args[4] then
    return {'held'}
  end
  local fences = redis.call('HGETALL', keys[1])
  for at = 1, #fences, 2 do
    if offset_of(other .. '_fences:' .. group, fences[at]) ~= fences[at + 1]:match('^%d*') then
      return {'fence', fences[at]}
    end
  end
  local customers_at = sums_at(prefix, group, args, 6 + bands, function() end)
  local at = customers_at
  while at <= #args do
    local version = version_of(prefix, args[at])
    if version ~= args[at + 1] and version ~= '?' then
      return {'version', args[at]}
    end
    at = at + 4 + tonumber(args[at + 2]) + tonumber(args[at + 3])
  end
  add_sums(prefix, group, args, 6 + bands)
  local function follow(index, id)
    local score = redis.call('ZSCORE', other .. index, id)
    if score then
      redis.call('ZADD', prefix .. index, score, id)
    else
      redis.call('ZREM', prefix .. index, id)
    end
  end
  local gone, any = {}, false
  at = customers_at
  while at <= #args do
    local id, set, removed = args[at], tonumber(args[at + 2]), tonumber(args[at + 3])
    local key, waiting, there = prefix .. 'customer:' .. id, unscored(prefix, id), false
    unschedule_absences(prefix, place_of(prefix, id), group, id)
    redis.call('DEL', key, waiting)
    for from, to in pairs({[other .. 'customer:' .. id] = key, [unscored(other, id)] = waiting}) do
      if redis.call('COPY', from, to) == 1 then
        key, there = to, true
      end
    end
    if not there then
      gone[id], any = true, true
    else
      each('HSET', key, args, at + 4, at + 3 + set)
      each('HDEL', key, args, at + 4 + set, at + 3 + set + removed)
    end
    for band = 6, 5 + bands do
      follow('band:' .. args[band], id)
    end
    follow('_crossings:' .. group, id)
    follow('_refreshes:' .. group, id)
    local schedule = absences_of(prefix, key, group)
    if there and schedule then
      follow(schedule:sub(#prefix + 1), id)
    end
    at = at + 4 + set + removed
  end
  if any then
    take_back(prefix, group, gone)
  end
  return {}
end

redis.register_function('NAME_apply', apply)
redis.register_function{function_name='NAME_load', callback=load, flags={'no-writes'}}
redis.register_function('NAME_published', published)
redis.register_function('NAME_due', due)
redis.register_function('NAME_unschedule', unschedule)
redis.register_function('NAME_marks', marks)
redis.register_function{function_name='NAME_forbidden', callback=forbidden, flags={'no-writes'}}
redis.register_function('NAME_erase', erase)
redis.register_function('NAME_fold', fold)
redis.register_function('NAME_require_erasures', require_erasures)
redis.register_function('NAME_settle_erasures', settle_erasures)
redis.register_function('NAME_hold', hold)
redis.register_function('NAME_release', release)
redis.register_function{function_name='NAME_inspect', callback=inspect, flags={'no-writes'}}
redis.register_function('NAME_replace', replace)
