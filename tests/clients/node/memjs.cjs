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
