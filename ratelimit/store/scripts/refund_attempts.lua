-- Refunds attempts to the windows they were reserved in; a window that has begun since then keeps its count.
-- KEYS counters   ARGV for each counter: the ms it had left when the attempt was reserved
for i, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left > 0 and left <= tonumber(ARGV[i]) and tonumber(redis.call('GET', key)) > 0 then
    redis.call('DECR', key)
  end
end
return {1}
