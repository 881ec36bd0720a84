-- wrk: the same request again and again; percentiles in microseconds at the end.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = '{"model": "gpt-image-2", "prompt": "A lighthouse on a rock in the evening", "quality": "low", "size": "1024x1024"}'

function done(summary, latency, requests)
  io.write(string.format('{"p50_s": %.6f, "p99_s": %.6f}\n',
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
