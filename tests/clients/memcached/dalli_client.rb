# SPDX-License-Identifier: MIT
# The steps of ../README.md with Dalli.
require 'dalli'

$stdout.sync = true

def text(value)
  case value
  when nil then 'nil'
  when Array then value.map { |item| text(item) }.join(',')
  when String then "x#{value.unpack1('H*')}"
  else value.to_s
  end
end

def step(name)
  puts "#{name} #{text(yield)}"
rescue StandardError => e
  puts "#{name} error #{e.message}"
end

Dalli.logger.level = Logger::FATAL # what it logs it also raises
keys = %w[hoge nothing schlüssel]
client = Dalli::Client.new("#{ARGV[0]}:#{ARGV[1]}", socket_timeout: 20)
if ARGV[2] == 'writes'
  step('set') { client.set('hoge', 'x') }
  step('add') { client.add('hoge', 'x') }
  step('add_missing') { client.add('nothing', 'x') }
  step('replace') { client.replace('hoge', 'x') }
  step('append') { client.append('hoge', 'x') }
  step('prepend') { client.prepend('hoge', 'x') }
  step('cas') { client.cas('hoge') { 'x' } }
  step('delete') { client.delete('hoge') }
  step('incr') { client.incr('hoge') }
  step('decr') { client.decr('hoge') }
  step('flush') { client.flush.first }
  step('again') { client.get('hoge') }
  $stdin.gets
  exit
end
puts "version #{Dalli::VERSION}"
step('hit') { client.get('hoge') }
step('write') { client.set('hoge', "a\r\nb") }
step('again') { client.get('hoge') }
$stdin.gets
step('delete') { client.delete('hoge') }
step('then') { client.get('hoge') }
$stdin.gets
step('miss') { client.get('nothing') }
step('utf8') { client.get('schlüssel') }
# Its keys come back as bytes.
found = client.get_multi(keys).transform_keys { |key| key.dup.force_encoding('UTF-8') }
step('many') { found.values_at(*keys) }
step('binary') { client.get('binary') }
step('mib') { client.get('mib') }
step('16mib') { client.get('16mib') }
step('before') { client.get('marker') }
$stdin.gets
step('after') { client.get('marker') }
client.close
