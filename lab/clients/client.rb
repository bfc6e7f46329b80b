# Ruby's ways to fetch: `ruby client.rb BASE`.
require 'net/http'
require 'open-uri'
base = URI(ARGV[0])
Net::HTTP.start(base.host, base.port, use_ssl: base.scheme == 'https', verify_mode: OpenSSL::SSL::VERIFY_NONE) do |http|
  http.get('/page')
  http.post('/form', 'a=1')
  http.post('/json', '{}', 'Content-Type' => 'application/json')
  http.head('/head')
end
URI.open("#{base}/open", ssl_verify_mode: OpenSSL::SSL::VERIFY_NONE, &:read)
