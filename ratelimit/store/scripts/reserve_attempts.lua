-- Reserves one attempt in each of several windows, or in none if one of them is used up.
-- KEYS counters   ARGV for each counter: limit, length in ms
-- Returns 1 and for each window the ms until its end; or 0, the ms until the used-up one ends, and its place
for i, key in ipairs(KEYS) do
  if (tonumber(redis.call('GET', key)) or 0) >= tonumber(ARGV[2 * i - 1]) then
    return {0, math.max(1, redis.call('PTTL', key)), i}
  end
end
local answer = {1}
for i, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
  answer[i + 1] = redis.call('PTTL', key)
end
return answer
