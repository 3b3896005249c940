-- Counts one use of a secret that is no longer valid; charges nothing. With a cause the use is also counted for
-- its address, as long as the cause has few addresses on this day; the others are summed under ''.
-- KEYS 1 prefix of the bucket's usage hashes
-- ARGV 1 run id of this server   2 name for a new epoch   3 subject   4 client address or ''
--      5 cause or ''   6 most addresses of one cause   7 clock in ms for tests, else ''
local now = tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local address, cause = ARGV[4], ARGV[5]
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
redis.call('HSET', usage, mine .. 'ut', now, mine .. 'ua', address)

if cause ~= '' then
  local addresses, count, last = mine .. 'cn|' .. cause, mine .. 'c|' .. cause .. '|', mine .. 'ct|' .. cause .. '|'
  if address ~= '' and redis.call('HEXISTS', usage, count .. address) == 0 then
    if (tonumber(redis.call('HGET', usage, addresses)) or 0) < tonumber(ARGV[6]) then
      redis.call('HINCRBY', usage, addresses, 1)
    else
      address = ''
    end
  end
  redis.call('HINCRBY', usage, count .. address, 1)
  redis.call('HSET', usage, last .. address, now)
end
return {1}
