-- wrk: what each request is, and the figures as one line of JSON. Latencies in microseconds.
local size = tonumber(os.getenv("BODY") or "0")
if size > 0 then
  wrk.method, wrk.body = "POST", string.rep("x", size)
end
if os.getenv("CLOSE") == "1" then
  wrk.headers["Connection"] = "close"
end

-- Each connection waits for a random time before each request, so that they never come in step.
local pause = tonumber(os.getenv("PAUSE_MS") or "0")
if pause > 0 then
  function delay()
    return math.random(0, 2 * pause)
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('REPORT {"requests": %d, "failed": %d, "us": %d, "p50": %d, "p99": %d}\n',
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
