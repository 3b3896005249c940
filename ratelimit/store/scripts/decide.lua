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
local now = tonumber(ARGV[8])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local limit, window_limit, window = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local state = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'day', 'used', 'reserved',
  'generation', 'pending', 'pending_until')
local epoch, day = state[1], math.floor(now / 86400000)
local used, reserved = tonumber(state[4]) or 0, tonumber(state[5]) or -1

-- A lost key, a restart or a failover begins a new epoch; the day never goes back.
local lost = not epoch or state[2] ~= ARGV[1]
if lost or tonumber(state[3]) < day then
  if lost then
    epoch = ARGV[2]
    -- Usage counters may have gone back, so this day's continue under a new epoch.
    redis.call('HDEL', KEYS[2] .. day, 'epoch')
  end
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.find(name, '|', 1, true) then redis.call('HDEL', KEYS[1], name) end
  end
  used, reserved = 0, -1
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[1], 'day', day, 'used', 0, 'reserved', -1)
  redis.call('PEXPIRE', KEYS[1], 259200000)
else
  day = tonumber(state[3])
end

-- The subject's fields name epoch and day, so that no other epoch or day ever continues them.
local own_limit, own_used, own_reserved = tonumber(ARGV[17]), 0, -1
local own_used_field, own_reserved_field
if own_limit >= 0 then
  local suffix = '|' .. epoch .. '|' .. day .. '|' .. ARGV[6]
  own_used_field, own_reserved_field = 'used' .. suffix, 'reserved' .. suffix
  local own = redis.call('HMGET', KEYS[1], own_used_field, own_reserved_field)
  own_used, own_reserved = tonumber(own[1]) or 0, tonumber(own[2]) or -1
end

-- Publishing a block twice, or late, changes nothing: each block begins after the one before.
if ARGV[10] == epoch and tonumber(ARGV[11]) == day then
  local first, last = tonumber(ARGV[12]), tonumber(ARGV[13])
  if ARGV[9] == 'bucket' and first >= reserved then
    used, reserved = math.max(used, first), last
    redis.call('HSET', KEYS[1], 'used', used, 'reserved', reserved)
  elseif ARGV[9] == 'subject' and first >= own_reserved then
    own_used, own_reserved = math.max(own_used, first), last
    redis.call('HSET', KEYS[1], own_used_field, own_used, own_reserved_field, own_reserved)
  end
end

-- A generation only increases. While a higher one is pending, every cached credential is stale.
local keeps, stale = 0, false
if ARGV[14] ~= '' then
  local generation, given = tonumber(state[6]) or 0, tonumber(ARGV[16])
  local pending = tonumber(state[7]) or 0
  if ARGV[14] == 'read' and given > generation then
    generation = given
    redis.call('HSET', KEYS[1], 'generation', given)
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
  return {verdict, epoch, day, now, used, reserved, hits, ends, keeps, own_used, own_reserved}
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
  return name .. '|' .. ARGV[6] .. '|'
end
local hour = math.max(0, math.floor((now - day * 86400000) / 3600000))
local function refuse(verdict)
  local mine = field()
  redis.call('HINCRBY', usage, mine .. 'r', 1)
  redis.call('HINCRBY', usage, mine .. 'q' .. hour, 1)
  return answer(verdict)
end

if stale then
  return answer(4)
elseif limit >= 0 and used >= limit then
  return refuse(2)
elseif own_limit >= 0 and own_used >= own_limit then
  return refuse(6)
elseif window_limit > 0 and hits >= window_limit then
  return refuse(3)
elseif limit >= 0 and used >= reserved then
  return answer(1)
elseif own_limit >= 0 and own_used >= own_reserved then
  return answer(5)
end

-- The requests of an unlimited plan are counted too, because it may become limited during the day.
if limit >= -1 then used = redis.call('HINCRBY', KEYS[1], 'used', 1) end
if own_limit >= 0 then own_used = redis.call('HINCRBY', KEYS[1], own_used_field, 1) end
if window_limit > 0 then
  hits = redis.call('INCR', KEYS[3])
  if hits == 1 then redis.call('PEXPIRE', KEYS[3], window) end
end
local mine = field()
redis.call('HINCRBY', usage, mine .. 'h' .. hour, 1)
redis.call('HSET', usage, mine .. 't', now, mine .. 'a', ARGV[7])
if ARGV[18] ~= '' then
  redis.call('HINCRBY', usage, mine .. 'k|' .. ARGV[18], 1)
  redis.call('HSET', usage, mine .. 'kt|' .. ARGV[18], now)
end
return answer(0)
