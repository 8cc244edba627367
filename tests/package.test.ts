// What is published: the product with its launchers, configuration, documents and examples, and
// nothing that only tests need.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectRoot } from './root.ts';
import { runProgram } from './run-program.ts';
import { doubleName } from './tidy/doubles.ts';

test('the package holds the product and nothing that is for tests alone', async () => {
  const packed = await runProgram('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: projectRoot,
  });
  assert.equal(packed.code, 0, packed.stderr);
  const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  for (const needed of ['bin/partita.js', 'dist/bin/main.js', 'dist/src/client/index.js']) {
    assert.ok(paths.includes(needed), needed);
  }
  const isForTests = (path: string): boolean =>
    /^(sim|tests|bench)\/|\.test\.|-contract\.|-behaviour\.|\/golden\//.test(path) ||
    (path.startsWith('dist/') && doubleName.test(path.split('/').at(-1) as string));
  assert.deepEqual(paths.filter(isForTests), []);
});
