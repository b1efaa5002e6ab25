#!lua name=NAME
-- The policy in force. A hash: 'number' counts the changes, 'version', 'digest', 'text' and 'since' (milliseconds) are
-- those of the policy in force, 'v:<version>' the digest of each policy that ever was; 'walk' is how far all
-- customers have been brought to follow. Writers name the digest of the policy by which they judge, see engagement.lua.
-- With a shadow policy, 'digest' is of both, 'own' of the first alone; 'shadow', 'shadow_digest', 'shadow_text' and
-- 'shadow_since' are version, digest, text and milliseconds of the shadow policy, 's:<version>' the digest of each that
-- ever was.
-- Rests on decisions 45 and 124.

-- Puts a policy in force.
-- keys: the hash
-- args: version, digest, text, milliseconds of the wall clock, number of the policy that the caller takes to be in
--       force ('' if it does not know: a worker that starts), number that the new one gets at least, digest without
--       the shadow policy; of that version ('' where there is none), digest, text, milliseconds
-- returns: 'in force'; 'taken': a version has been there with other contents; 'superseded': it has been in force
--          and another one was put in its place; 'moved': another one is in force than the caller takes it to be.
local function propose(keys, args)
  local version, digest, own, shadow = args[1], args[2], args[7], args[8]
  local number = tonumber(redis.call('HGET', keys[1], 'number') or 0)
  if redis.call('HGET', keys[1], 'digest') == digest then
    return 'in force'
  end
  local known = redis.call('HGET', keys[1], 'v:' .. version)
  local shadow_known = redis.call('HGET', keys[1], 's:' .. shadow)
  if (known and known ~= own) or (shadow_known and shadow_known ~= args[9]) then
    return 'taken'
  end
  local stays = redis.call('HGET', keys[1], 'version') == version
  if args[5] == '' then
    if known and not stays then
      return 'superseded'
    end
  elseif number ~= tonumber(args[5]) then
    return 'moved'
  end
  number = math.max(number + 1, tonumber(args[6]))
  local since = stays and redis.call('HGET', keys[1], 'since') or args[4]
  redis.call('HSET', keys[1], 'number', number, 'version', version, 'digest', digest, 'text', args[3],
             'since', since, 'v:' .. version, own)
  local shadow_stays = redis.call('HGET', keys[1], 'shadow') == shadow
  local shadow_since = shadow_stays and redis.call('HGET', keys[1], 'shadow_since') or args[11]
  redis.call('HDEL', keys[1], 'own', 'shadow', 'shadow_digest', 'shadow_text', 'shadow_since')
  if shadow ~= '' then
    redis.call('HSET', keys[1], 'own', own, 'shadow', shadow, 'shadow_digest', args[9], 'shadow_text', args[10],
               'shadow_since', shadow_since, 's:' .. shadow, args[9])
  end
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
