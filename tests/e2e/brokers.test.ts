// `partita start --brokers N` as its users see it: real processes, of which some are killed. One
// process keeps the store, and the brokers are its children.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { runProgram } from '../run-program.ts';
import {
  argumentsWith,
  assertRefusal,
  childOf,
  directory,
  inOwnFolders,
  launcher,
  Started,
  startThree,
  tool,
  tryStart,
} from './started-brokers.ts';

inOwnFolders();

describe('three brokers on one machine', () => {
  test('serve as one cluster, say what they are for, and end together on Ctrl-C', async () => {
    const two = 'PLAINTEXT://127.0.0.1:0,OTHER://127.0.0.1:0';
    const map = 'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT';
    const more = ['--override', `listeners=${two}`, '--override', map];
    const { parent, ports } = await startThree(...more);
    assert.match(parent.output, /for trying only/);
    assert.deepEqual([...ports.keys()].sort(), [1, 2, 3]);
    const made = await tool(
      'kafka-topics',
      ports.get(1),
      '--create',
      '--topic',
      't',
      '--partitions',
      '3',
      '--replication-factor',
      '3',
    );
    assert.equal(made.code, 0, made.stderr);
    const described = await tool('kafka-topics', ports.get(3), '--describe', '--topic', 't');
    assert.match(described.stdout, /ReplicationFactor: 3/);
    assert.equal(new Set(described.stdout.match(/Leader: \d/g)).size, 3);

    const second = await tryStart(...argumentsWith('--brokers', '3'));
    assertRefusal(second, /store is in use/);

    parent.signalAll('SIGINT');
    assert.equal(await parent.ended, 0, parent.output);
    assert.doesNotMatch(parent.output, /is killed/);
    assert.equal(parent.output.match(/^Try, in another terminal:$/gm)?.length, 1, parent.output);
    for (const name of ['broker1', 'broker2', 'broker3']) {
      assert.ok(existsSync(join(directory, name, '.kafka_cleanshutdown')), name);
    }
  });

  test('go on without one that was killed, which the line that is said starts again', async () => {
    const { parent, ports } = await startThree();
    process.kill(await childOf(parent, 2), 'SIGKILL');
    const [, command] = await parent.prints(
      /broker 2 ended \(SIGKILL\); this starts it again: (.+)/,
    );
    const listed = await tool('kafka-topics', ports.get(1), '--list');
    assert.equal(listed.code, 0, listed.stderr);
    const again = new Started('sh', ['-c', command as string]);
    await again.prints(/^partita ready .* node=2 /m);
    parent.child.kill('SIGTERM');
    assert.equal(await parent.ended, 0, parent.output);
  });

  test('go on for a while without the process that keeps the store', async () => {
    const { parent, ports } = await startThree();
    await tool(
      'kafka-topics',
      ports.get(1),
      '--create',
      '--topic',
      't',
      '--replication-factor',
      '3',
    );
    const brokers = await Promise.all([1, 2, 3].map((number) => childOf(parent, number)));
    process.kill(parent.child.pid as number, 'SIGKILL');
    await parent.prints(/the cluster store at \S+ is away/);
    const servers = [...ports.values()].map((port) => `127.0.0.1:${port}`).join(',');
    const produced = await runProgram(
      process.execPath,
      [
        launcher,
        'kafka-console-producer',
        '--bootstrap-server',
        servers,
        '--topic',
        't',
        // Idempotent, as producers are: each broker has had producer ids since it joined.
        '--producer-property',
        'acks=all',
      ],
      { input: 'a\nb\n' },
    );
    assert.equal(produced.code, 0, produced.stderr);
    const consumed = await tool(
      'kafka-console-consumer',
      ports.get(2),
      '--topic',
      't',
      '--from-beginning',
      '--max-messages',
      '2',
    );
    assert.deepEqual(consumed.stdout.split('\n').sort(), ['', 'a', 'b']);
    for (const pid of brokers) process.kill(pid, 'SIGTERM');
    await parent.ended;
  });
});

describe('what cannot be started', () => {
  test('a number that is none, and a store of somebody else', async () => {
    assertRefusal(
      await tryStart(...argumentsWith('--brokers', 'many')),
      /from 1 to 16, not 'many'/,
    );
    const other = ['--override', 'cluster.store=shared://127.0.0.1:1'];
    assertRefusal(await tryStart(...argumentsWith(...other, '--brokers', '3')), /leave out/);
  });

  test('brokers where a single one has its data', async () => {
    const single = await BrokerProcess.start({ directory });
    await single.stop();
    assertRefusal(await tryStart(...argumentsWith('--brokers', '3')), /of a single broker/);
  });

  test('a single broker where several have their data', async () => {
    const { parent } = await startThree();
    parent.signalAll('SIGINT');
    await parent.ended;
    const before = readdirSync(directory).sort();
    const remedy = /--brokers 3 --override log.dirs=\S+, or use another log.dirs/;
    assertRefusal(await tryStart(...argumentsWith()), remedy);
    const one = `log.dirs=${join(directory, 'broker1')}`;
    const args = [launcher, 'start', '--override', one];
    assertRefusal(await tryStart(...args, '--override=listeners=PLAINTEXT://127.0.0.1:0'), remedy);
    assert.deepEqual(readdirSync(directory).sort(), before);
  });

  test('listeners whose ports would meet', async () => {
    const listeners = 'listeners=PLAINTEXT://127.0.0.1:19092,OTHER://127.0.0.1:19093';
    const map = 'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT';
    const args = argumentsWith('--override', listeners, '--override', map, '--brokers=2');
    assertRefusal(await tryStart(...args), /port 19093 would come twice/);
  });
});
