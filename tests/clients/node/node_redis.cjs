// SPDX-License-Identifier: MIT
// The steps of ../README.md with node-redis.
const { createClient, RESP_TYPES } = require('redis');
const { lineOfInput, run, step, version } = require('./steps.cjs');

run(async () => {
  const client = createClient({ socket: { host: process.argv[2], port: Number(process.argv[3]) } });
  client.on('error', (error) => console.error(error));
  await client.connect();
  const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await step('version', version('redis'));
  await step('hit', client.get('hoge'));
  await step('miss', client.get('nothing'));
  await step('utf8', client.get('schlüssel'));
  await step('binary', buffers.get('binary'));
  await step('mib', buffers.get('mib'));
  await step('16mib', buffers.get('16mib'));
  await step('many', client.mGet(['hoge', 'nothing', 'schlüssel']));
  await step('hash', client.hGetAll('user'));
  await step('write', client.set('hoge', 'a\r\nb'));
  await Promise.all(['hoge', 'nothing', 'hoge'].map((key) => step('pipeline', client.get(key))));
  await step('transaction', client.multi().get('hoge').get('nothing').exec());
  const found = [];
  for await (const keys of client.scanIterator({ MATCH: 'sch*' })) found.push(...[keys].flat());
  await step('scan', Promise.resolve(found));
  await step('before', client.get('marker'));
  await lineOfInput();
  await step('after', client.get('marker'));
  await client.close();
});
