// Every example runs with one command and checks itself; so does this. What needs more than Node.js
// is run by tests/interop.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

const needMore = ['kerberos', 'security-ssl', 'security-plain', 'security-scram'];
const examples = readdirSync(join(projectRoot, 'examples')).filter(
  (name) => existsSync(join(projectRoot, 'examples', name, 'run.sh')) && !needMore.includes(name),
);

for (const example of examples) {
  test(`the example ${example} runs and passes its own checks`, async () => {
    const result = await runProgram(join(projectRoot, 'examples', example, 'run.sh'), []);
    assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
    assert.match(result.stdout, /lab passed\s*$/);
  });
}

test('there are examples', () => {
  assert.ok(examples.includes('single-node'));
});
