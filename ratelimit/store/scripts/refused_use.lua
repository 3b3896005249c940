-- Counts one use of a secret that is no longer valid; charges nothing.
-- KEYS 1 prefix of the bucket's usage hashes
-- ARGV 1 run id of this server   2 name for a new epoch   3 subject   4 client address
--      5 clock in ms for tests, else ''
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local usage = KEYS[1] .. math.floor(now / 86400000)

-- After a restart or failover the counters may have gone back, so they continue under a new epoch. It is not
-- the limiter's epoch, so that neither script depends on the other.
local epoch, run = unpack(redis.call('HMGET', usage, 'refused_epoch', 'refused_run'))
if not epoch or run ~= ARGV[1] then
  epoch = ARGV[2]
  redis.call('HSET', usage, 'refused_epoch', epoch, 'refused_run', ARGV[1])
  redis.call('PEXPIRE', usage, 691200000)
end
local mine = epoch .. '|' .. ARGV[3] .. '|'
redis.call('HINCRBY', usage, mine .. 'u', 1)
redis.call('HSET', usage, mine .. 'ut', now, mine .. 'ua', ARGV[4])
return {1}
