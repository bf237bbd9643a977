-- Posts the forms of a file, one a line, in turn; no two requests are alike.
-- wrk -s comment_check.lua URL -- FORMS

local forms, at = {}, 0
local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("number", threads)
end

function init(args)
    for line in io.lines(args[1]) do
        forms[#forms + 1] = line
    end
    at = number * 97
    wrk.method = "POST"
    wrk.path = "/1.1/comment-check"
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
end

function request()
    at = at + 1
    -- The comment stands last in its form.
    return wrk.format(nil, nil, nil, forms[at % #forms + 1] .. "+" .. number .. "." .. at)
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "not_200": %d, "broken": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, e.status, e.connect + e.read + e.write + e.timeout))
end
