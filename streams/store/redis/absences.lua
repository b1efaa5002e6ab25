
-- Absences: the part of the library above for the clocks of segments and the schedules that follow them.

-- Reads sums over customers of one fence group.
-- keys: hash of the group's fences
-- args: prefix, group, name of the sums, time up to which everybody must have been judged, then per fence: partition,
--       offset at which it stands at least
-- returns: 1 and the sums, a list of names and values in turn; 0, partition and offset where a fence stands before; 2
--          where somebody is still to be judged: who has events aside would not be in the sums of their day.
local function members(keys, args)
  if #redis.call('ZRANGEBYSCORE', args[1] .. '_crossings:' .. args[2], '-inf', args[4], 'LIMIT', 0, 1) > 0 then
    return {2}
  end
  for at = 5, #args, 2 do
    local stands = offset_of(keys[1], args[at])
    if (tonumber(stands) or 0) < tonumber(args[at + 1]) then
      return {0, args[at], stands}
    end
  end
  return {1, redis.call('HGETALL', args[1] .. '_kpi:' .. args[2] .. ':' .. args[3])}
end

-- Moves the clock of a segment on; what is stored of it stays.
-- keys: hash of the clock
-- args: the last day at whose start it is expected to be stored ('' for none), the day up to which it will be, then
--       per day: its number, the reading at its start
-- returns: 1 if it has been moved, 0 if it stands elsewhere.
local function move_clock(keys, args)
  if (redis.call('HGET', keys[1], 'last') or '') ~= args[1] then
    return 0
  end
  each('HSET', keys[1], args, 3, #args)
  redis.call('HSET', keys[1], 'last', args[2])
  return 1
end

-- Lists customers at whom to look again, for one worker at a time.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, most, worker, milliseconds for which the worker is alone, then per segment: name, reading.
local function absences_due(keys, args)
  local prefix, group, most, found = args[1], args[2], tonumber(args[3]), {}
  for at = 6, #args, 2 do
    local schedule = prefix .. '_absences:' .. args[at] .. ':' .. group
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', schedule, '-inf', args[at + 1], 'LIMIT', 0, most - #found)) do
      found[#found + 1] = id
    end
    if #found >= most then
      break
    end
  end
  if #found == 0 then
    return found
  end
  local lease = prefix .. '_lease:' .. group
  local holder = redis.call('GET', lease)
  if holder and holder ~= args[4] then
    return {}
  end
  redis.call('SET', lease, args[4], 'PX', args[5])
  return found
end

-- Takes customers out of the schedules of absence who are not stored there any more.
-- keys: hash of the group's fences (for the routing)
-- args: prefix, group, number of segments, these, number of customers who are taken out in any case, then all customers,
--       those first.
local function prune_absences(keys, args)
  local prefix, group, segments = args[1], args[2], tonumber(args[3])
  local first = 5 + segments
  local unread = first + tonumber(args[first - 1])
  for at = first, #args do
    local stands = absences_of(prefix, place_of(prefix, args[at]), group)
    for segment = 4, 3 + segments do
      local schedule = prefix .. '_absences:' .. args[segment] .. ':' .. group
      if at < unread or schedule ~= stands then
        redis.call('ZREM', schedule, args[at])
      end
    end
  end
  return #args
end

redis.register_function('NAME_members', members)
redis.register_function('NAME_move_clock', move_clock)
redis.register_function('NAME_absences_due', absences_due)
redis.register_function('NAME_prune_absences', prune_absences)
