
-- Types that the policy does not name: what was sent of them, by the hour, to be reported.
-- Rests on decision 69.

-- Counts events, and forgets old hours.
-- keys: hash of the counts; a field is hour, channel and type, separated by line breaks
-- args: the oldest hour that is kept, names of a channel that are told apart in an hour, then per count: field, number.
local function note_types(keys, args)
  local stands, names = {}, {}
  for _, field in ipairs(names_at(keys[1])) do
    if tonumber(field:match('^%d*')) >= tonumber(args[1]) then
      local channel = field:match('^%d+\n[^\n]*')
      stands[field], names[channel] = true, (names[channel] or 0) + 1
    else
      redis.call('HDEL', keys[1], field)
    end
  end
  for at = 3, #args, 2 do
    local field = args[at]
    local channel = field:match('^%d+\n[^\n]*')
    if not stands[field] and (names[channel] or 0) >= tonumber(args[2]) then
      field = channel .. '\n'
    end
    stands[field], names[channel] = true, (names[channel] or 0) + (stands[field] and 0 or 1)
    redis.pcall('HINCRBY', keys[1], field, args[at + 1])
  end
  return redis.status_reply('OK')
end

redis.register_function('NAME_note_types', note_types)
