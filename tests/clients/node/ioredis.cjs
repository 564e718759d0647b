// SPDX-License-Identifier: MIT
// The steps of ../README.md with ioredis.
const Redis = require('ioredis');
const { lineOfInput, run, step, version } = require('./steps.cjs');

run(async () => {
  const redis = new Redis({ host: process.argv[2], port: Number(process.argv[3]) });
  await new Promise((resolve, reject) => redis.once('ready', resolve).once('error', reject));
  redis.on('error', (error) => console.error(error));
  await step('version', version('ioredis'));
  await step('hit', redis.get('hoge'));
  await step('miss', redis.get('nothing'));
  await step('utf8', redis.get('schlüssel'));
  await step('binary', redis.getBuffer('binary'));
  await step('mib', redis.getBuffer('mib'));
  await step('16mib', redis.getBuffer('16mib'));
  await step('many', redis.mget('hoge', 'nothing', 'schlüssel'));
  await step('hash', redis.hgetall('user'));
  await step('write', redis.set('hoge', 'a\r\nb'));
  await Promise.all(['hoge', 'nothing', 'hoge'].map((key) => step('pipeline', redis.get(key))));
  const replies = await redis.multi().get('hoge').get('nothing').exec();
  await step('transaction', Promise.resolve(replies.map(([, value]) => value)));
  const found = [];
  for await (const keys of redis.scanStream({ match: 'sch*' })) found.push(...keys);
  await step('scan', Promise.resolve(found));
  await step('before', redis.get('marker'));
  await lineOfInput();
  await step('after', redis.get('marker'));
  await redis.quit();
});
