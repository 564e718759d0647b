// SPDX-License-Identifier: MIT
// The steps of ../README.md with memjs.
const memjs = require('memjs');
const { lineOfInput, run, step, version } = require('./steps.cjs');

run(async () => {
  const client = memjs.Client.create(`${process.argv[2]}:${process.argv[3]}`, {
    timeout: 20, // its own is half a second
    logger: { log: () => {} }, // what it logs it also rejects with
  });
  const get = async (key) => (await client.get(key)).value;
  if (process.argv[4] === 'writes') {
    await step('set', client.set('hoge', 'x', {}));
    await step('add', client.add('hoge', 'x', {}));
    await step('add_missing', client.add('nothing', 'x', {}));
    await step('replace', client.replace('hoge', 'x', {}));
    await step('append', client.append('hoge', 'x'));
    await step('prepend', client.prepend('hoge', 'x'));
    await step('delete', client.delete('hoge'));
    await step('incr', client.increment('hoge', 1, {}));
    await step('decr', client.decrement('hoge', 1, {}));
    await step('again', get('hoge'));
    await lineOfInput();
    return client.close();
  }
  await step('version', version('memjs'));
  await step('hit', get('hoge'));
  await step('write', client.set('hoge', 'a\r\nb', { expires: 0 }));
  await step('again', get('hoge'));
  await lineOfInput();
  await step('delete', client.delete('hoge'));
  await step('then', get('hoge'));
  await lineOfInput();
  await step('miss', get('nothing'));
  await step('utf8', get('schlüssel'));
  await step('binary', get('binary'));
  await step('mib', get('mib'));
  await step('16mib', get('16mib'));
  await step('before', get('marker'));
  await lineOfInput();
  await step('after', get('marker'));
  client.close();
});
