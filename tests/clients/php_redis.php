<?php
// SPDX-License-Identifier: MIT
// The steps of README.md with phpredis.

function text($value): string
{
    if ($value === false || $value === null) {
        return 'nil';
    }
    if (is_array($value)) {
        $parts = [];
        foreach ($value as $key => $item) {
            if (is_string($key)) {
                $parts[] = text($key);
            }
            $parts[] = text($item);
        }
        return implode(',', $parts);
    }
    return is_int($value) ? (string)$value : 'x' . bin2hex($value);
}

function step(string $name, $value): void
{
    echo $name, ' ', text($value), "\n";
    flush();
}

$redis = new Redis();
$redis->connect($argv[1], (int)$argv[2], 20);
step('version', phpversion('redis'));
step('hit', $redis->get('hoge'));
step('miss', $redis->get('nothing'));
step('utf8', $redis->get('schlüssel'));
step('binary', $redis->get('binary'));
step('mib', $redis->get('mib'));
step('16mib', $redis->get('16mib'));
step('many', $redis->mGet(['hoge', 'nothing', 'schlüssel']));
step('hash', $redis->hGetAll('user'));
// phpredis answers false to a refused write and keeps the server's words.
try {
    $done = $redis->set('hoge', "a\r\nb");
    echo 'write ', $done === false ? 'error ' . $redis->getLastError() : 'done', "\n";
} catch (RedisException $error) {
    echo 'write error ', $error->getMessage(), "\n";
}
foreach ($redis->pipeline()->get('hoge')->get('nothing')->get('hoge')->exec() as $value) {
    step('pipeline', $value);
}
step('transaction', $redis->multi()->get('hoge')->get('nothing')->exec());
$found = [];
$redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
for ($cursor = null; ($keys = $redis->scan($cursor, 'sch*')) !== false;) {
    $found = array_merge($found, $keys);
}
step('scan', $found);
step('before', $redis->get('marker'));
fgets(STDIN);
step('after', $redis->get('marker'));
