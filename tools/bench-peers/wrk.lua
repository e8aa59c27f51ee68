-- SPDX-License-Identifier: BSD-2-Clause
-- What wrk found, as one line of JSON in the file that PEERS_REPORT names.
function done(summary, latency)
  local errors = summary.errors
  local file = assert(io.open(os.getenv("PEERS_REPORT"), "w"))
  file:write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
  file:close()
end
