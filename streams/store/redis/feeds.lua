#!lua name=NAME
-- What is known of the feeds. A hash with two fields per channel: 's<channel>' holds its stretches of events
-- (first-last, in whole microseconds, separated by commas), 'a<channel>' what has been reported of it.
-- Rests on decision 36.

local function read(text, found)
  for first, last in text:gmatch('(%d+)%-(%d+)') do
    found[#found + 1] = {tonumber(first), tonumber(last)}
  end
end

-- Adds stretches to those that are stored, joining the ones between which there was no silence. It does not matter
-- who adds what, in which order, and how often.
-- keys: the hash
-- args: most stretches that are kept, then per channel: name, longest time between two events of a stretch, stretches
-- returns: the hash, names and values in turn.
local function exchange(keys, args)
  local most = tonumber(args[1])
  for at = 2, #args, 3 do
    local field, apart = 's' .. args[at], tonumber(args[at + 1])
    local found, joined, words = {}, {}, {}
    read(redis.call('HGET', keys[1], field) or '', found)
    read(args[at + 2], found)
    table.sort(found, function(one, other) return one[1] < other[1] end)
    for _, stretch in ipairs(found) do
      local before = joined[#joined]
      if before and stretch[1] - before[2] <= apart then
        before[2] = math.max(before[2], stretch[2])
      else
        joined[#joined + 1] = stretch
      end
    end
    for index = math.max(1, #joined - most + 1), #joined do
      words[#words + 1] = string.format('%.0f-%.0f', joined[index][1], joined[index][2])
    end
    redis.call('HSET', keys[1], field, table.concat(words, ','))
  end
  return redis.call('HGETALL', keys[1])
end

-- Notes what has been reported of a feed, unless another worker has noted something meanwhile.
-- keys: the hash
-- args: channel, what is expected to be stored ('' for nothing), what is to be stored
-- returns: 1 if it was stored.
local function note(keys, args)
  local field = 'a' .. args[1]
  if (redis.call('HGET', keys[1], field) or '') ~= args[2] then
    return 0
  end
  redis.call('HSET', keys[1], field, args[3])
  return 1
end

redis.register_function('NAME_exchange', exchange)
redis.register_function('NAME_note', note)
