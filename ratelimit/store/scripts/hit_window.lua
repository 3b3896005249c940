-- Counts one hit in a window that begins with its first hit.
-- KEYS 1 counter   ARGV 1 limit  2 length in ms
-- Returns whether admitted, hits so far, ms until the window ends
local hits = tonumber(redis.call('GET', KEYS[1])) or 0
if hits >= tonumber(ARGV[1]) then
  return {0, hits, hits > 0 and redis.call('PTTL', KEYS[1]) or tonumber(ARGV[2])}
end
hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {1, hits, redis.call('PTTL', KEYS[1])}
