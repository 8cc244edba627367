// Virtual time, processes and their failures, and one seed giving one trace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, World } from './index.ts';

test('an hour of virtual time takes no time, and both clocks advance by it', async () => {
  await simulate(async ({ clock }) => {
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    await clock.sleep(3_600_000);
    assert.ok(Math.abs(clock.now() - now - 3_600_000) <= 1);
    assert.ok(Math.abs(clock.monotonic() - monotonic - 3_600_000) < 0.001);
  });
});

test('time can be advanced by hand', async () => {
  const world = new World();
  const { io } = world.startProcess('host');
  const fired: number[] = [];
  io.clock.after(10, () => fired.push(10));
  io.clock.after(20, () => fired.push(20));
  await world.advance(15);
  assert.deepEqual(fired, [10]);
  await world.advance(5);
  assert.deepEqual(fired, [10, 20]);
});

test('what a process throws fails the run', async () => {
  await assert.rejects(
    simulate(async () => {
      throw new Error('boom');
    }),
    /boom/,
  );
  const world = new World();
  world.startProcess('host').io.clock.after(5, () => {
    throw new Error('late boom');
  });
  await assert.rejects(world.advance(10), /late boom/);
});

test('waiting for what never happens is an error, not a hang', async () => {
  await assert.rejects(
    simulate(() => new Promise(() => {})),
    /nothing is left to do/,
  );
});

test('a frozen process runs nothing, and then all that was due, in order', async () => {
  const world = new World();
  const frozen = world.startProcess('frozen');
  const server = world.startProcess('server');
  const seen: string[] = [];
  const address = { host: 'frozen', port: 1 };
  const listening = frozen.io.network.listen(address, (accepted) => {
    accepted.onData = (data) => seen.push(`${world.timeMs}: ${data}`);
  });
  await world.settle(listening);
  const connection = await world.settle(server.io.network.connect(address));
  const startMs = world.timeMs;
  frozen.io.clock.after(10, () => seen.push(`${world.timeMs}: timer`));
  frozen.freeze(100);
  connection.write([Buffer.from('hello')]);
  await world.advance(99);
  assert.deepEqual(seen, []);
  await world.advance(1);
  const thawnMs = startMs + 100;
  assert.deepEqual(seen, [`${thawnMs}: timer`, `${thawnMs}: hello`]);
});

test('a killed process stops wherever it is, and its host can start another', async () => {
  const world = new World();
  let steps = 0;
  const process = world.startProcess('host', async (io) => {
    for (;;) {
      await io.clock.sleep(10);
      steps++;
    }
  });
  await world.advance(35);
  process.kill();
  await world.advance(100);
  assert.equal(steps, 3);
  const next = world.startProcess('host', () => {});
  await world.run(() => next.hasReturned);
});

test('a wall clock that jumps does not move the monotonic one', async () => {
  const world = new World();
  const { io, host } = world.startProcess('host');
  const [now, monotonic] = [io.clock.now(), io.clock.monotonic()];
  host.shiftClock(-5_000);
  assert.equal(io.clock.now(), now - 5_000);
  assert.equal(io.clock.monotonic(), monotonic);
});

async function chatter(seed: number): Promise<string> {
  const world = new World({ seed, faults: 'swarm' });
  world.startProcess('server', async (io) => {
    await io.network.listen({ host: '0.0.0.0', port: 1 }, (connection) => {
      connection.onData = (chunk) => connection.write([chunk]);
    });
  });
  const client = world.startProcess('client', async (io) => {
    await io.clock.sleep(5);
    const connection = await io.network.connect({ host: 'server', port: 1 });
    const file = io.disk.open('/heard', 'create');
    connection.onData = (chunk) => file.write([chunk], file.sizeBytes());
    for (let i = 0; i < 20; i++) {
      connection.write([io.random.bytes(io.random.int(5_000))]);
      await io.clock.sleep(io.random.int(20));
    }
    await file.sync();
  });
  await world.run(() => client.hasReturned);
  return world.trace.hash;
}

test('two runs of one seed leave the same trace, other seeds leave others', async () => {
  const hashes = new Set<string>();
  for (let seed = 0; seed < 10; seed++) {
    const hash = await chatter(seed);
    assert.equal(await chatter(seed), hash);
    hashes.add(hash);
  }
  assert.equal(hashes.size, 10);
});
