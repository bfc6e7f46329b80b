-- Every request from another address, with another user agent, path, referrer and session cookie.
local count = 0
local seed = tonumber(os.getenv("SOAK_SEED") or "0") * 100000000

request = function()
  count = count + 1
  local n = seed + count
  return "GET /page/" .. n .. " HTTP/1.1\r\nHost: site-" .. (n % 1000) .. ".example.test\r\nX-Forwarded-For: "
    .. (n % 223 + 1) .. "." .. (math.floor(n / 223) % 256) .. "." .. (math.floor(n / 57088) % 256) .. "." .. (n % 254 + 1)
    .. "\r\nUser-Agent: Mozilla/5.0 agent-" .. n .. "\r\nReferer: http://example.test/" .. n
    .. "\r\nCookie: __cf_bm=" .. n .. ".forged\r\n\r\n"
end
