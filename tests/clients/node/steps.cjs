// SPDX-License-Identifier: MIT
// What both Node programs print; ../README.md says how.

function text(value) {
  if (value === null || value === undefined) return 'nil';
  if (value instanceof Error) return `error ${value.message}`;
  if (Array.isArray(value)) return value.map(text).join(',');
  if (Buffer.isBuffer(value) || typeof value === 'string') {
    return 'x' + Buffer.from(value).toString('hex');
  }
  if (typeof value === 'object') return text(Object.entries(value).flat());
  return String(value);
}

exports.step = async (name, promise) => {
  const value = await promise.catch((error) => error);
  await new Promise((resolve) => process.stdout.write(`${name} ${text(value)}\n`, resolve));
};

exports.version = (library) =>
  Promise.resolve(require(`${process.env.NODE_PATH}/${library}/package.json`).version);

exports.lineOfInput = () => new Promise((resolve) => process.stdin.once('data', resolve));

exports.run = (main) =>
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
