// The labs on security, whose keys are made with keytool and openssl, check themselves.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

for (const lab of ['security-ssl', 'security-plain', 'security-scram']) {
  test(`the example ${lab} runs and passes its own checks`, async () => {
    const result = await runProgram(join(projectRoot, 'examples', lab, 'run.sh'), []);
    assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
    assert.match(result.stdout, /lab passed\s*$/);
  });
}
