// SPDX-License-Identifier: MIT
// The steps of ../README.md with memcached.
const { promisify } = require('util');
const Memcached = require('memcached');
const { lineOfInput, run, step, version } = require('./steps.cjs');

run(async () => {
  const limits = { timeout: 20000, idle: 60000 };
  const client = new Memcached(`${process.argv[2]}:${process.argv[3]}`, limits);
  const get = promisify(client.get).bind(client);
  const many = async (keys) => {
    const found = await promisify(client.getMulti).call(client, keys);
    return keys.map((key) => found[key]);
  };
  await step('version', version('memcached'));
  await step('hit', get('hoge'));
  await step('write', promisify(client.set).call(client, 'hoge', 'a\r\nb', 0));
  await step('again', get('hoge'));
  await lineOfInput();
  await step('delete', promisify(client.del).call(client, 'hoge'));
  await step('then', get('hoge'));
  await lineOfInput();
  await step('miss', get('nothing'));
  await step('utf8', get('schlüssel'));
  await step('many', many(['hoge', 'nothing', 'schlüssel']));
  await step('binary', get('binary'));
  await step('mib', get('mib'));
  await step('16mib', get('16mib'));
  await step('before', get('marker'));
  await lineOfInput();
  await step('after', get('marker'));
  client.end();
});
