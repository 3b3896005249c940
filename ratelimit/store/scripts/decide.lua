-- Decides a request on this server's clock: the bucket's day, the subject's day and one short window together,
-- so that a refusal by one charges none of them; counts the subject's usage in the same step.
--
-- KEYS  1 meter of the bucket (hash)   2 prefix of the bucket's usage hashes   3 window counter
-- ARGV  1 run id of this server        2 name for a new epoch                  3 requests per day; -1 unlimited, -2 not charged
--       4 window limit; 0 none         5 window length in ms                   6 subject
--       7 client address               8 clock in ms for tests, else ''
--       9-13 a block reserved in SQL: 'bucket' or 'subject', epoch, day, start, end; or ''
--       14-16 the fence: 'remembered', 'read' or '' for none; epoch; generation
--       17 requests per day of the subject; -2 no limit of its own
--       18 key of the subject that the call is counted for as well, or ''
-- Returns verdict (0 admitted, 1 reserve a block first, 2 day exhausted, 3 window exhausted, 4 stale,
--       5 reserve a block of the subject first, 6 subject's day exhausted), epoch, day, now in ms,
--       used today, reserved today, hits in the window, ms until the window ends,
--       whether the credential may be cached under this fence, the subject's used and reserved today
local meter, subject, key = KEYS[1], ARGV[6], ARGV[18]
local window_limit, window = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = tonumber(ARGV[8])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local state = redis.call('HMGET', meter, 'epoch', 'run', 'day', 'used', 'reserved',
  'generation', 'pending', 'pending_until')
local epoch, day = state[1], math.floor(now / 86400000)

-- A daily limit: how much of it is used, of which SQL has reserved how much; suffix names its fields of the meter.
local function daily(limit, used, reserved, suffix)
  return {limit = tonumber(limit), used = tonumber(used) or 0, reserved = tonumber(reserved) or -1, suffix = suffix}
end
local bucket = daily(ARGV[3], state[4], state[5], '')

-- A lost key, a restart or a failover begins a new epoch; the day never goes back.
local lost = not epoch or state[2] ~= ARGV[1]
if lost or tonumber(state[3]) < day then
  if lost then
    epoch = ARGV[2]
    -- Usage counters may have gone back, so this day's continue under a new epoch.
    redis.call('HDEL', KEYS[2] .. day, 'epoch')
  end
  for _, name in ipairs(redis.call('HKEYS', meter)) do
    if string.find(name, '|', 1, true) then redis.call('HDEL', meter, name) end
  end
  bucket.used, bucket.reserved = 0, -1
  redis.call('HSET', meter, 'epoch', epoch, 'run', ARGV[1], 'day', day, 'used', 0, 'reserved', -1)
  redis.call('PEXPIRE', meter, 259200000)
else
  day = tonumber(state[3])
end

-- The subject's fields name epoch and day, so that no other epoch or day ever continues them.
local own = daily(ARGV[17])
if own.limit >= 0 then
  local suffix = '|' .. epoch .. '|' .. day .. '|' .. subject
  local found = redis.call('HMGET', meter, 'used' .. suffix, 'reserved' .. suffix)
  own = daily(ARGV[17], found[1], found[2], suffix)
end

-- Publishing a block twice, or late, changes nothing: each block begins after the one before.
local function publish(limit, first, last)
  if first >= limit.reserved then
    limit.used, limit.reserved = math.max(limit.used, first), last
    redis.call('HSET', meter, 'used' .. limit.suffix, limit.used, 'reserved' .. limit.suffix, limit.reserved)
  end
end
if ARGV[10] == epoch and tonumber(ARGV[11]) == day then
  publish(ARGV[9] == 'subject' and own or bucket, tonumber(ARGV[12]), tonumber(ARGV[13]))
end

-- A generation only increases. While a higher one is pending, every cached credential is stale.
local keeps, stale = 0, false
if ARGV[14] ~= '' then
  local generation, given = tonumber(state[6]) or 0, tonumber(ARGV[16])
  local pending = tonumber(state[7]) or 0
  if ARGV[14] == 'read' and given > generation then
    generation = given
    redis.call('HSET', meter, 'generation', given)
  end
  local open = pending > generation and now < (tonumber(state[8]) or 0)
  if ARGV[14] == 'read' then
    stale = given < generation
  else
    stale = given ~= generation or ARGV[15] ~= epoch or open
  end
  if ARGV[15] == epoch and not open then keeps = 1 end
end

local hits, ends = 0, window
if window_limit > 0 then
  hits = tonumber(redis.call('GET', KEYS[3])) or 0
  if hits > 0 then ends = redis.call('PTTL', KEYS[3]) end
end

local function answer(verdict)
  return {verdict, epoch, day, now, bucket.used, bucket.reserved, hits, ends, keeps, own.used, own.reserved}
end

-- Usage has epochs of its own, because its hash may be lost, evicted or expire alone.
local usage = KEYS[2] .. day
local function field()
  local name = redis.call('HGET', usage, 'epoch')
  if not name then
    name = ARGV[2]
    redis.call('HSET', usage, 'epoch', name)
    redis.call('PEXPIRE', usage, 691200000)
  end
  return name .. '|' .. subject .. '|'
end
local function refuse(verdict)
  redis.call('HINCRBY', usage, field() .. 'r', 1)
  return answer(verdict)
end
local function exhausted(limit)
  return limit.limit >= 0 and limit.used >= limit.limit
end
local function needs_block(limit)
  return limit.limit >= 0 and limit.used >= limit.reserved
end

if stale then
  return answer(4)
elseif exhausted(bucket) then
  return refuse(2)
elseif exhausted(own) then
  return refuse(6)
elseif window_limit > 0 and hits >= window_limit then
  return refuse(3)
elseif needs_block(bucket) then
  return answer(1)
elseif needs_block(own) then
  return answer(5)
end

-- The requests of an unlimited plan are counted too, because it may become limited during the day.
local function charge(limit)
  if limit.limit >= -1 then limit.used = redis.call('HINCRBY', meter, 'used' .. limit.suffix, 1) end
end
charge(bucket)
charge(own)
if window_limit > 0 then
  hits = redis.call('INCR', KEYS[3])
  if hits == 1 then redis.call('PEXPIRE', KEYS[3], window) end
end
local mine = field()
local hour = math.max(0, math.floor((now - day * 86400000) / 3600000))
redis.call('HINCRBY', usage, mine .. 'h' .. hour, 1)
redis.call('HSET', usage, mine .. 't', now, mine .. 'a', ARGV[7])
if key ~= '' then
  redis.call('HINCRBY', usage, mine .. 'k|' .. key, 1)
  redis.call('HSET', usage, mine .. 'kt|' .. key, now)
end
return answer(0)
