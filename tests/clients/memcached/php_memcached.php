<?php
// SPDX-License-Identifier: MIT
// The steps of ../README.md with php-memcached; `binary` behind the address chooses that protocol.

function text($value): string
{
    if ($value === false || $value === null) {
        return 'nil';
    }
    return is_array($value) ? implode(',', array_map('text', $value)) : 'x' . bin2hex($value);
}

$client = new Memcached();
if (in_array('binary', $argv)) {
    $client->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
}
$client->addServer($argv[1], (int)$argv[2]);

function step(string $name, $value): void
{
    global $client;
    $code = $client->getResultCode();
    $failed = $value === false && $code !== Memcached::RES_NOTFOUND;
    echo $name, ' ', $failed ? 'error ' . $client->getResultMessage() : text($value), "\n";
    flush();
}

if (in_array('writes', $argv)) {
    $client->setOption(Memcached::OPT_COMPRESSION, false); // it takes no append with that
    step('set', $client->set('hoge', 'x'));
    step('add', $client->add('hoge', 'x'));
    step('add_missing', $client->add('nothing', 'x'));
    step('replace', $client->replace('hoge', 'x'));
    step('append', $client->append('hoge', 'x'));
    step('prepend', $client->prepend('hoge', 'x'));
    $cas = $client->get('hoge', null, Memcached::GET_EXTENDED)['cas'];
    step('cas', $client->cas($cas, 'hoge', 'x'));
    step('delete', $client->delete('hoge'));
    step('incr', $client->increment('hoge'));
    step('decr', $client->decrement('hoge'));
    step('again', $client->get('hoge'));
    fgets(STDIN);
    exit;
}

echo 'version ', phpversion('memcached'), "\n";
step('hit', $client->get('hoge'));
step('write', $client->set('hoge', "a\r\nb"));
step('again', $client->get('hoge'));
fgets(STDIN);
step('delete', $client->delete('hoge'));
step('then', $client->get('hoge'));
fgets(STDIN);
step('miss', $client->get('nothing'));
step('utf8', $client->get('schlüssel'));
$keys = ['hoge', 'nothing', 'schlüssel'];
$found = $client->getMulti($keys);
step('many', array_map(fn($key) => $found[$key] ?? null, $keys));
step('binary', $client->get('binary'));
step('mib', $client->get('mib'));
step('16mib', $client->get('16mib'));
step('before', $client->get('marker'));
fgets(STDIN);
step('after', $client->get('marker'));
$client->quit();
