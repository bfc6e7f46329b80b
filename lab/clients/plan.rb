# Runs a plan with Net::HTTP: `ruby plan.rb PLAN`.
require 'json'
require 'net/http'
require 'openssl'
require 'uri'
plan = JSON.parse(File.read(ARGV[0]))
base = URI(plan['base'])
open_one = lambda do
  http = Net::HTTP.new(base.host, base.port)
  http.use_ssl = base.scheme == 'https'
  http.verify_mode = OpenSSL::SSL::VERIFY_NONE if http.use_ssl?
  http.start
end
http = open_one.call
plan['steps'].each do |step|
  http = open_one.call if plan['fresh']
  request = Net::HTTP.const_get(step['method'].capitalize).new(step['path'])
  step['headers'].each { |name, value| request[name] = value }
  if step['form'] then request.set_form_data(step['form'])
  elsif step['json']
    request['Content-Type'] = 'application/json'
    request.body = JSON.generate(step['json'])
  end
  begin
    http.request(request)
  rescue StandardError
    http = open_one.call
  end
end
