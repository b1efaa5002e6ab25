#!lua name=NAME
-- The store's server-side functions. Each call checks everything before its first write, as Redis does not take
-- back what a failing function has written. Times are whole microseconds unless a name says otherwise.

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

-- Tells whether the user may run every command that `apply` writes with: one that is refused half-way, because a right
-- was taken away meanwhile, would leave the half behind.
local function may_write(prefix, fences, group)
  local customer, band, crossings = prefix .. 'customer:x', prefix .. 'band:engaged', prefix .. '_crossings:' .. group
  return redis.acl_check_cmd('HSET', customer, 'f', 'v') and redis.acl_check_cmd('HDEL', customer, 'f')
      and redis.acl_check_cmd('ZADD', band, 0, 'm') and redis.acl_check_cmd('ZREM', band, 'm')
      and redis.acl_check_cmd('ZADD', crossings, 0, 'm') and redis.acl_check_cmd('ZREM', crossings, 'm')
      and redis.acl_check_cmd('HSET', fences, 'f', 'v')
end

-- Writes the customers of one fence group and moves its fences, all or nothing.
-- keys: hash of the group's fences
-- args: prefix of every key, group, milliseconds of the wall clock,
--       number of fences, then per fence: partition, expected offset ('' for none), new fence (offset ; newest),
--       number of other fences, then per fence: partition, offset at which it stands at least,
--       number of customers, then per customer: id, expected version ('' for none), old band, new band ('' for
--       none), second at which it was entered, schedule ('' as it is, '-' none, 'c' or 'r' and a time: crossing or
--       refresh), outbox ('' as it is, '+' messages are added), numbers of values to set and of fields to remove,
--       these values and fields.
-- returns: {} when written, {'fence', partition, offset} or {'version', ids...} when refused.
local function apply(keys, args)
  local fences, prefix, group, now_ms = keys[1], args[1], args[2], args[3]
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
  at = customers_at
  for _ = 1, customers do
    local version = redis.call('HGET', prefix .. 'customer:' .. args[at], '_v') or ''
    if version ~= args[at + 1] then
      moved[#moved + 1] = args[at]
    end
    at = at + 9 + tonumber(args[at + 7]) + tonumber(args[at + 8])
  end
  if #moved > 1 then
    return moved
  end
  if customers > 0 and not may_write(prefix, fences, group) then
    return redis.error_reply("NOPERM this user has no permissions to write all that belongs together")
  end

  local crossings, refreshes = prefix .. '_crossings:' .. group, prefix .. '_refreshes:' .. group
  local outbox = prefix .. '_outbox:' .. group
  at = customers_at
  for _ = 1, customers do
    local id, old_band, band, since, schedule, waiting = args[at], unpack(args, at + 2, at + 6)
    local key = prefix .. 'customer:' .. id
    local first, set, removed = at + 9, tonumber(args[at + 7]), tonumber(args[at + 8])
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
    if waiting == '+' then
      redis.call('ZADD', outbox, now_ms, id)
    end
    at = first + set + removed
  end
  at = 5
  for _ = 1, tonumber(args[4]) do
    redis.call('HSET', fences, args[at], args[at + 2])
    at = at + 3
  end
  return {}
end

-- Reads customers.
-- keys: hash of a group's fences (for the routing)
-- args: prefix, then ids
-- returns: for each customer its fields and values in turn, nothing for one who is not stored.
local function load(keys, args)
  local found = {}
  for at = 2, #args do
    found[at - 1] = redis.call('HGETALL', args[1] .. 'customer:' .. args[at])
  end
  return found
end

-- Takes published messages out of the outboxes.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, then per message: customer, field.
local function published(keys, args)
  local prefix, outbox = args[1], args[1] .. '_outbox:' .. args[2]
  for at = 3, #args, 2 do
    redis.call('HDEL', prefix .. 'customer:' .. args[at], args[at + 1])
  end
  for at = 3, #args, 2 do
    local waiting = false
    for _, name in ipairs(redis.call('HKEYS', prefix .. 'customer:' .. args[at])) do
      waiting = waiting or name:sub(1, 2) == '_o'
    end
    if not waiting then
      redis.call('ZREM', outbox, args[at])
    end
  end
  return #args
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

-- Takes customers out of the schedules and outboxes, unless they are stored.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, then ids.
local function unschedule(keys, args)
  for at = 3, #args do
    if redis.call('EXISTS', args[1] .. 'customer:' .. args[at]) == 0 then
      for _, kind in ipairs({'_crossings:', '_refreshes:', '_outbox:'}) do
        redis.call('ZREM', args[1] .. kind .. args[2], args[at])
      end
    end
  end
  return #args
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

-- Tells which commands the user may not call on keys of the namespace.
-- args: prefix of every key, then per command: number of words, words; KEY stands for a key.
-- returns: the refused commands, without their arguments.
local function forbidden(keys, args)
  local refused = {}
  local at = 2
  while at <= #args do
    local count = tonumber(args[at])
    local words = {unpack(args, at + 1, at + count)}
    local allowed = true
    for _, name in ipairs({'customer:x', 'band:engaged', '_fences:0', '_marks'}) do
      local filled = {}
      for index, word in ipairs(words) do
        filled[index] = word == 'KEY' and args[1] .. name or word
      end
      allowed = allowed and redis.acl_check_cmd(unpack(filled))
    end
    if not allowed then
      refused[#refused + 1] = words[1] == 'FUNCTION' and 'FUNCTION LOAD' or words[1]
    end
    at = at + count + 1
  end
  return refused
end

redis.register_function('NAME_apply', apply)
redis.register_function{function_name='NAME_load', callback=load, flags={'no-writes'}}
redis.register_function('NAME_published', published)
redis.register_function('NAME_due', due)
redis.register_function('NAME_unschedule', unschedule)
redis.register_function('NAME_marks', marks)
redis.register_function{function_name='NAME_forbidden', callback=forbidden, flags={'no-writes'}}
