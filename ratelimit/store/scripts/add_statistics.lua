-- Adds to the statistics of one subject on one UTC day. A dimension counts its first names of the day by name, and
-- all others together under ''.
-- KEYS 1 hash of the subject's day
-- ARGV 1 run id of this server   2 name for a new epoch   3 most names of a dimension   4 number of hours,
--      then for each of them: hour, its counts (outcomes, then durations by bucket)
--      then for each name: dimension, name, its count with the first and the last moment in ms
local hash, most = KEYS[1], tonumber(ARGV[3])

-- After a restart or failover the counts may have gone back, so they begin again under a new epoch. What was not
-- copied of the earlier one is left for housekeeping, beside the hash.
local epoch, run = unpack(redis.call('HMGET', hash, 'epoch', 'run'))
if epoch and run ~= ARGV[1] then
  redis.call('RENAME', hash, hash .. ':' .. epoch)
  epoch = false
end
if not epoch then
  redis.call('HSET', hash, 'epoch', ARGV[2], 'run', ARGV[1])
  redis.call('PEXPIRE', hash, 691200000)
end
redis.call('HINCRBY', hash, 'revision', 1)

local function numbers(text)
  local found = {}
  for one in string.gmatch(text or '', '%d+') do
    found[#found + 1] = tonumber(one)
  end
  return found
end

local at = 5
for _ = 1, tonumber(ARGV[4]) do
  local field = 'hours|' .. ARGV[at]
  local sums = numbers(redis.call('HGET', hash, field))
  for place, count in ipairs(numbers(ARGV[at + 1])) do
    sums[place] = (sums[place] or 0) + count
  end
  redis.call('HSET', hash, field, table.concat(sums, ' '))
  at = at + 2
end

while at < #ARGV do
  local dimension, name = ARGV[at], ARGV[at + 1]
  local field = dimension .. '|' .. name
  local seen = redis.call('HGET', hash, field)
  if not seen and name ~= '' then
    local names = 'names|' .. dimension
    if (tonumber(redis.call('HGET', hash, names)) or 0) < most then
      redis.call('HINCRBY', hash, names, 1)
    else
      field = dimension .. '|'
      seen = redis.call('HGET', hash, field)
    end
  end
  local count, first, last = unpack(numbers(ARGV[at + 2]))
  if seen then
    local earlier = numbers(seen)
    count, first, last = count + earlier[1], math.min(first, earlier[2]), math.max(last, earlier[3])
  end
  redis.call('HSET', hash, field, string.format('%.0f %.0f %.0f', count, first, last))
  at = at + 3
end
return 1
