-- A desktop browser's navigation, byte for byte in its order. With BENCHMARK_DIFFER a cookie and the referrer change
-- with every request, so that nothing can be remembered by header block. With BENCHMARK_PAUSE a connection waits about
-- so many milliseconds before each request, as visitors do that know nothing of each other.
local path = os.getenv("BENCHMARK_PATH") or "/"
local differ = (os.getenv("BENCHMARK_DIFFER") or "") ~= ""
local pause = tonumber(os.getenv("BENCHMARK_PAUSE") or "0")
local count = 0
local first, middle, last

init = function()
  local head = {
    "GET " .. path .. " HTTP/1.1",
    "Host: " .. wrk.host .. ":" .. wrk.port,
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
      .. "application/signed-exchange;v=b3;q=0.7",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-User: ?1",
    "Sec-Fetch-Dest: document",
    "Referer: " .. wrk.scheme .. "://" .. wrk.host .. ":" .. wrk.port .. "/journal/page-",
  }
  first = table.concat(head, "\r\n")
  middle = "\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: theme=dark; basket="
  last = "\r\n\r\n"
end

request = function()
  if differ then count = count + 1 end
  return first .. count .. middle .. (7000000 + count) .. last
end

if pause > 0 then
  delay = function()
    return math.floor(0.5 - pause * math.log(1 - math.random()))
  end
end
