-- Marks a generation as pending, or publishes it; both numbers only increase.
-- KEYS 1 meter of the bucket   ARGV 1 'mark' or 'publish'  2 generation  3 lifetime of a mark, in ms
local function raise(name)
  local known = tonumber(redis.call('HGET', KEYS[1], name)) or 0
  if tonumber(ARGV[2]) > known then redis.call('HSET', KEYS[1], name, ARGV[2]) end
end
if ARGV[1] == 'mark' then
  local time = redis.call('TIME')
  raise('pending')
  redis.call('HSET', KEYS[1], 'pending_until', time[1] * 1000 + tonumber(ARGV[3]))
else
  raise('generation')
end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], 259200000) end
return 1
