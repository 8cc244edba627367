// Clients in processes of their own: which let go of an idle client, and what is left of clients
// that were used and closed, many times over.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

const library = JSON.stringify(join(projectRoot, 'dist/src/client/index.js'));

/** Lines that `--input-type=module` runs, with the library in scope. */
function program(lines: string): string {
  return `import { Admin, connect, Consumer, Producer } from ${library};\n${lines}`;
}

describe('idle clients', () => {
  let broker: BrokerProcess;

  before(async () => {
    broker = await BrokerProcess.start({ config: { 'group.initial.rebalance.delay.ms': '0' } });
  });

  after(() => broker.dispose());

  const run = (lines: string, env: Readonly<Record<string, string>> = {}) =>
    runProgram('node', ['--expose-gc', '--input-type=module', '-e', program(lines)], {
      env: { SERVERS: broker.bootstrapServers, ...env },
      timeoutMs: 600_000,
    });

  test('with keepAlive false a process ends although nothing was closed', async () => {
    const { code, stdout, stderr } = await run(`
      const kafka = connect({ bootstrapServers: process.env.SERVERS, keepAlive: false });
      const producer = kafka.producer({ lingerMs: 200 });
      // Nobody awaits this one: the process must stay until it is there.
      producer.send({ topic: 'idle', value: 'x' }).then(({ offset }) => console.log('at', offset));
      const consumer = kafka.consumer({ groupId: 'g', autoOffsetReset: 'earliest' });
      consumer.subscribe(['idle']);
      let records = [];
      while (records.length === 0) records = await consumer.poll(1000);
      console.log('read', records.length);
    `);
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.trim().split('\n').sort(), ['at 0', 'read 1']);
    assert.equal(stderr, '');
  });

  test('nothing is left of clients that were closed', async () => {
    const cycles = process.env.CLIENT_CYCLES ?? '14';
    const { code, stdout, stderr } = await run(
      `
      import { readdirSync } from 'node:fs';
      let noise = 0;
      for (const event of ['unhandledRejection', 'uncaughtException', 'warning']) {
        process.on(event, (error) => { noise++; console.error(event, error); });
      }
      const bootstrapServers = process.env.SERVERS;
      async function cycle() {
        const producer = new Producer({ bootstrapServers });
        await producer.send({ topic: 'left', value: 'x' });
        const consumer = new Consumer({ bootstrapServers });
        await consumer.assign([{ topic: 'left', partition: 0, offset: 'earliest' }]);
        while ((await consumer.poll(1000)).length === 0);
        const admin = new Admin({ bootstrapServers });
        await admin.listTopics();
        await Promise.all([producer.close(), consumer.close(), admin.close()]);
      }
      async function left() {
        // Sockets close in a later turn.
        for (let turn = 0; turn < 20; turn++) await new Promise((done) => setTimeout(done, 5));
        gc();
        return {
          resources: process.getActiveResourcesInfo().sort(),
          descriptors: readdirSync('/proc/self/fd').length,
          heap: process.memoryUsage().heapUsed,
        };
      }
      for (let i = 0; i < 10; i++) await cycle();
      const before = await left();
      for (let i = 10; i < Number(process.env.CYCLES); i++) await cycle();
      const after = await left();
      console.log(JSON.stringify({ before, after, noise }));
    `,
      { CYCLES: cycles },
    );
    assert.equal(code, 0, stderr);
    const { before, after, noise } = JSON.parse(stdout) as {
      before: { resources: string[]; descriptors: number; heap: number };
      after: { resources: string[]; descriptors: number; heap: number };
      noise: number;
    };
    assert.equal(noise, 0, stderr);
    assert.deepEqual(after.resources, before.resources);
    assert.ok(after.descriptors <= before.descriptors, `${after.descriptors} descriptors`);
    const grownMiB = (after.heap - before.heap) / 2 ** 20;
    assert.ok(grownMiB < 2, `the heap grew by ${grownMiB.toFixed(1)} MiB`);
  });
});
