
-- Links: the part of the library above for ids that stand for customers of other groups.

local function part_of(args, from, words)
  local part = {}
  for at = from, from + words - 1 do
    part[#part + 1] = args[at]
  end
  return part
end

-- Adds to a list those of some ids that have another version than expected.
-- args from an index on: number of ids, then per id: itself, expected version
-- returns: the index after them.
local function note_moved(prefix, args, at, moved)
  for _ = 1, tonumber(args[at]) do
    if version_of(prefix, args[at + 1]) ~= args[at + 2] then
      moved[#moved + 1] = args[at + 1]
    end
    at = at + 2
  end
  return at + 1
end

-- Writes the customers of several groups and moves their fences, all or nothing.
-- keys: hash of a group's fences (for the routing)
-- args: prefix; the linked ids that were followed: see note_moved; then per group: number of words, and these: see apply
-- returns: as apply.
local function apply_together(keys, args)
  local prefix, moved, parts = args[1], {'version'}, {}
  local at = note_moved(prefix, args, 2, moved)
  while at <= #args do
    local part = part_of(args, at + 1, tonumber(args[at]))
    local fences = prefix .. '_fences:' .. part[2]
    local refused, customers_at = check(fences, part)
    if refused and refused[1] ~= 'version' then
      return refused
    end
    for index = 2, refused and #refused or 0 do
      moved[#moved + 1] = refused[index]
    end
    parts[#parts + 1] = {fences, part, customers_at}
    at = at + 1 + #part
  end
  if #moved > 1 then
    return moved
  end
  for _, part in ipairs(parts) do
    write(unpack(part))
  end
  return {}
end

-- Makes an id stand for a customer.
-- keys: hash of the fences of the id's group
-- args: prefix, group of the id, the id, customer, version of what stands for the customer from now on, up to where the
--       writer has read the erasures; the id with its version, and the linked ids that were followed to the customer:
--       see note_moved; what the id leaves to be added to the sums: see add_sums; number of bands, the bands; then the
--       write of the customer: see apply
-- returns: as apply.
local function link(keys, args)
  local prefix, group, id, customer, version = args[1], args[2], args[3], args[4], args[5]
  local moved = {'version'}
  local sums_from = note_moved(prefix, args, 7, moved)
  if #moved > 1 then
    return moved
  end
  local erased = offset_of(keys[1], ERASURES)
  if erased ~= '' and tonumber(erased) > tonumber(args[6]) then
    return {'fence', ERASURES, erased}
  end
  local key = place_of(prefix, id)
  local written = {[key] = 'hash', [place_of(prefix, customer)] = 'hash'}
  local bands_from = sums_at(prefix, group, args, sums_from, function(days, spells)
    written[days], written[spells] = 'hash', 'hash'
  end)
  local bands = tonumber(args[bands_from])
  for at = bands_from + 1, bands_from + bands do
    written[prefix .. 'band:' .. args[at]] = 'zset'
  end
  local schedules = {prefix .. '_crossings:' .. group, prefix .. '_refreshes:' .. group}
  written[schedules[1]], written[schedules[2]] = 'zset', 'zset'
  local obstructed = obstacle_among(written)
  if obstructed then
    return obstructed
  end
  local from = bands_from + bands + 1
  local part = part_of(args, from, #args - from + 1)
  local fences = prefix .. '_fences:' .. part[2]
  local refused, customers_at = check(fences, part)
  if refused then
    return refused
  end

  local ids = {id}
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if field:sub(1, 2) == '_l' then
      ids[#ids + 1] = field:sub(3)
    end
  end
  unschedule_absences(prefix, key, group, id)
  redis.call('DEL', key)
  add_sums(prefix, group, args, sums_from)
  for at = bands_from + 1, bands_from + bands do
    redis.call('ZREM', prefix .. 'band:' .. args[at], id)
  end
  for _, schedule in ipairs(schedules) do
    redis.call('ZREM', schedule, id)
  end
  write(fences, part, customers_at)
  local target = place_of(prefix, customer)
  if redis.call('EXISTS', target) == 0 then
    target = unscored(prefix, customer)
  end
  for _, each_id in ipairs(ids) do
    redis.call('HSET', prefix .. 'customer:' .. each_id, 'customer_id', customer, '_v', version)
    redis.call('HSET', target, '_l' .. each_id, '1')
  end
  return {}
end

redis.register_function('NAME_apply_together', apply_together)
redis.register_function('NAME_link', link)
