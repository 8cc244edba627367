// The scripts that start and stop a server under Kafka's names, as service files use them.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

const startScript = join(projectRoot, 'bin/kafka-server-start.sh');
const stopScript = join(projectRoot, 'bin/kafka-server-stop.sh');
// No other server of this machine has it: stopping by node id leaves those alone.
const nodeId = String(100_000_000 + process.pid);

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += 20) {
    assert.ok(waitedMs < 20_000, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the server scripts', () => {
  let directory = '';
  let properties = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'partita-scripts-'));
    properties = join(directory, 'server.properties');
    writeFileSync(
      properties,
      `node.id=${nodeId}\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs=${join(directory, 'data')}\n`,
    );
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('start a server in the background and stop it by its node id', async () => {
    const started = await runProgram(startScript, ['-daemon', properties], {
      env: { LOG_DIR: directory },
    });
    assert.equal(started.code, 0, started.stderr);
    const output = (): string => {
      const path = join(directory, 'server.out');
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    };
    await until('the ready line', () => output().includes(`node=${nodeId} in`));
    const stopped = await runProgram(stopScript, [`--node-id=${nodeId}`]);
    assert.equal(stopped.code, 0, stopped.stderr);
    const mark = join(directory, 'data/.kafka_cleanshutdown');
    await until('the clean shutdown', () => existsSync(mark));
    const again = await runProgram(stopScript, [`--node-id=${nodeId}`]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /No kafka server to stop/);
  });

  test('say how they are used', async () => {
    const start = await runProgram(startScript, []);
    assert.equal(start.code, 1);
    assert.match(start.stderr, /usage: .*server\.properties/);
    const stop = await runProgram(stopScript, ['--everything']);
    assert.equal(stop.code, 1);
    assert.match(stop.stderr, /usage: .*--node-id/);
  });

  test('a file that is not there is named', async () => {
    const result = await runProgram(startScript, [join(directory, 'none.properties')]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /none\.properties/);
  });
});
