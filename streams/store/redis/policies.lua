#!lua name=NAME
-- The policy in force. A hash: 'number' counts the changes, 'version', 'digest', 'text' and 'since' (milliseconds) are
-- those of the policy in force, 'v:<version>' the digest of each policy that ever was; 'walk' is how far all
-- customers have been brought to follow. Writers name the digest of the policy by which they judge, see engagement.lua.
-- Rests on decision 45.

-- Puts a policy in force.
-- keys: the hash
-- args: version, digest, text, milliseconds of the wall clock, number of the policy that the caller takes to be in
--       force ('' if it does not know: a worker that starts), number that the new one gets at least
-- returns: 'in force'; 'taken': the version has been in force with other contents; 'superseded': it has been in force
--          and another one was put in its place; 'moved': another one is in force than the caller takes it to be.
local function propose(keys, args)
  local version, digest = args[1], args[2]
  local number = tonumber(redis.call('HGET', keys[1], 'number') or 0)
  if redis.call('HGET', keys[1], 'digest') == digest then
    return 'in force'
  end
  local known = redis.call('HGET', keys[1], 'v:' .. version)
  if known and known ~= digest then
    return 'taken'
  end
  if args[5] == '' then
    if known then
      return 'superseded'
    end
  elseif number ~= tonumber(args[5]) then
    return 'moved'
  end
  number = math.max(number + 1, tonumber(args[6]))
  redis.call('HSET', keys[1], 'number', number, 'version', version, 'digest', digest, 'text', args[3],
             'since', args[4], 'v:' .. version, digest)
  return 'in force'
end

-- Lets one worker at a time bring customers to follow.
-- keys: the hash, the lease
-- args: worker, milliseconds for which it is alone
-- returns: 1 if the worker may, else 0; how far the walk has come, '' if it was never begun.
local function walk(keys, args)
  local holder = redis.call('GET', keys[2])
  local place = redis.call('HGET', keys[1], 'walk') or ''
  if holder and holder ~= args[1] then
    return {0, place}
  end
  redis.call('SET', keys[2], args[1], 'PX', args[2])
  return {1, place}
end

-- Notes how far the walk has come, unless another worker has it by now or another policy is in force.
-- keys: the hash, the lease
-- args: worker, number of the policy, place, milliseconds for which the worker is alone
-- returns: 1 if it was noted.
local function walked(keys, args)
  if redis.call('GET', keys[2]) ~= args[1] or redis.call('HGET', keys[1], 'number') ~= args[2] then
    return 0
  end
  redis.call('HSET', keys[1], 'walk', args[3])
  redis.call('SET', keys[2], args[1], 'PX', args[4])
  return 1
end

redis.register_function('NAME_propose', propose)
redis.register_function('NAME_walk', walk)
redis.register_function('NAME_walked', walked)
