-- Sends the Authorization values of the file named by AUTHORIZATIONS, one after the other.
local values = {}
local file = os.getenv("AUTHORIZATIONS")
if file and file ~= "" then
  for line in io.lines(file) do values[#values + 1] = line end
end
local turn = math.random(0, 10000)
request = function()
  if #values > 0 then
    turn = turn + 1
    wrk.headers["Authorization"] = values[turn % #values + 1]
  end
  return wrk.format("GET")
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
