// Connections between hosts when hosts die and links are cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../src/io/io.ts';
import { type PartialFaults, type SimProcess, World } from './index.ts';

interface Fixture {
  readonly world: World;
  readonly client: SimProcess;
  readonly server: SimProcess;
  readonly near: Connection;
  readonly far: Connection;
  /** What the server has received, and how each end closed (absent: it has not). */
  readonly heard: { bytes: number; near?: Error | null; far?: Error | null };
}

async function setUp(faults: PartialFaults = {}): Promise<Fixture> {
  const world = new World({ faults });
  const [client, server] = [world.startProcess('client'), world.startProcess('server')];
  const heard: Fixture['heard'] = { bytes: 0 };
  const ends: { near?: Connection; far?: Connection } = {};
  void server.io.network.listen({ host: '0.0.0.0', port: 9 }, (connection) => {
    ends.far = connection;
    connection.onData = (chunk) => {
      heard.bytes += chunk.length;
    };
    connection.onClose = (error) => {
      heard.far = error;
    };
  });
  await world.advance(1);
  void client.io.network.connect({ host: 'server', port: 9 }).then((connection) => {
    ends.near = connection;
    connection.onClose = (error) => {
      heard.near = error;
    };
  });
  await world.run(() => ends.near !== undefined);
  const { near, far } = ends as Required<typeof ends>;
  return { world, client, server, near, far, heard };
}

/** The code with which a connect fails, or 'connected'. */
async function tryConnect(world: World, from: SimProcess, timeoutMs?: number): Promise<string> {
  const options = { host: 'server', port: 9, ...(timeoutMs !== undefined && { timeoutMs }) };
  return world.settle(
    from.io.network.connect(options).then(
      () => 'connected',
      (error: { code: string }) => error.code,
    ),
  );
}

test('a host is known by name and by address, and nobody else is', async () => {
  const { world, near, far, client, server } = await setUp();
  assert.equal(near.remoteHost, server.host.address);
  assert.equal(far.remoteHost, client.host.address);
  assert.equal(far.localHost, server.host.address);
  const connecting = client.io.network.connect({ host: 'nobody', port: 9 });
  await assert.rejects(world.settle(connecting), { code: 'ENOTFOUND' });
});

test('a listener on the loopback address is not reachable from other hosts', async () => {
  const { world, client, server } = await setUp();
  void server.io.network.listen({ host: '127.0.0.1', port: 10 }, () => {});
  const connecting = client.io.network.connect({ host: 'server', port: 10 });
  await assert.rejects(world.settle(connecting), { code: 'ECONNREFUSED' });
});

test('a killed process says goodbye: an end or a reset, and refuses from then on', async () => {
  for (const closeByResetChance of [0, 1]) {
    const { world, client, server, heard } = await setUp({ network: { closeByResetChance } });
    server.kill();
    await world.advance(100);
    const code = (heard.near as { code?: string } | null)?.code;
    assert.equal(code, closeByResetChance === 1 ? 'ECONNRESET' : undefined);
    assert.ok(heard.near !== undefined);
    assert.equal('far' in heard, false, 'the dead hear nothing');
    assert.equal(await tryConnect(world, client), 'ECONNREFUSED');
  }
});

test('a host without power says nothing until it is back and is asked', async () => {
  const { world, client, server, near, heard } = await setUp();
  server.host.powerCut();
  near.write([Buffer.from('anybody?')]);
  await world.advance(10_000);
  assert.equal('near' in heard, false);
  assert.equal(await tryConnect(world, client, 500), 'ETIMEDOUT');
  server.host.start();
  await world.advance(10_000);
  assert.equal((heard.near as { code?: string } | null)?.code, 'ECONNRESET');
  assert.equal(await tryConnect(world, client), 'ECONNREFUSED');
});

test('a one-way cut holds bytes back and loses none', async () => {
  const { world, near, far, heard } = await setUp();
  let answers = 0;
  near.onData = (chunk) => {
    answers += chunk.length;
  };
  world.network.cut('client', 'server');
  near.write([Buffer.alloc(1_000)]);
  far.write([Buffer.alloc(10)]);
  await world.advance(5_000);
  assert.equal(heard.bytes, 0);
  assert.equal(answers, 10, 'the other direction is open');
  world.network.heal();
  await world.advance(5_000);
  assert.equal(heard.bytes, 1_000);
});

test('bytes on the wire when a link is cut arrive after it has healed, in order', async () => {
  const { world, near, far } = await setUp({ network: { delayMsMin: 50, chunkChance: 0 } });
  const heard: string[] = [];
  far.onData = (chunk) => heard.push(chunk.toString());
  near.write([Buffer.from('one')]);
  await world.advance(20);
  world.network.cut('client', 'server');
  await world.advance(500);
  assert.deepEqual(heard, []);
  world.network.heal('client', 'server');
  near.write([Buffer.from('two')]);
  await world.advance(10_000);
  assert.equal(heard.join(''), 'onetwo');
});

test('whoever cuts some ways ends these cuts and no others', async () => {
  const { world, near, far, heard } = await setUp({ network: { chunkChance: 0 } });
  let answers = 0;
  near.onData = (chunk) => {
    answers += chunk.length;
  };
  const heal = world.network.partition(['client'], ['server']);
  world.network.cut('server', 'elsewhere');
  near.write([Buffer.alloc(1_000)]);
  far.write([Buffer.alloc(10)]);
  await world.advance(5_000);
  assert.deepEqual([heard.bytes, answers], [0, 0]);
  heal();
  await world.advance(5_000);
  assert.deepEqual([heard.bytes, answers], [1_000, 10]);
  const [server, elsewhere] = [world.host('server'), world.host('elsewhere')];
  assert.equal(world.network.isOpen(server, elsewhere), false);
});

test('where answers are lost, what is asked is heard, and the connection breaks', async () => {
  const { world, near, far, heard } = await setUp({ network: { chunkChance: 0 } });
  let answers = 0;
  near.onData = (chunk) => {
    answers += chunk.length;
  };
  world.network.loseAnswers(['server'], ['client'], 1_000);
  near.write([Buffer.alloc(1_000)]);
  await world.advance(500);
  far.write([Buffer.alloc(10)]);
  assert.equal(heard.bytes, 1_000);
  await world.advance(5_000);
  assert.equal(answers, 0);
  assert.equal((heard.near as { code?: string } | null)?.code, 'ECONNRESET');
  assert.equal(world.network.isOpen(world.host('server'), world.host('client')), true);
});

test('a connection whose bytes are never answered is given up in the end', async () => {
  const { world, near, heard } = await setUp();
  world.network.partition(['client'], ['server']);
  near.write([Buffer.alloc(10)]);
  await world.advance(800_000);
  assert.equal('near' in heard, false);
  await world.advance(200_000);
  assert.equal((heard.near as { code?: string } | null)?.code, 'ETIMEDOUT');
});

test('connecting across a cut waits for the healing or its own time-out', async () => {
  const { world, client } = await setUp();
  world.network.cut('server', 'client');
  assert.equal(await tryConnect(world, client, 2_000), 'ETIMEDOUT');
  world.loop.schedule(5_000, () => world.network.heal());
  assert.equal(await tryConnect(world, client, 20_000), 'connected');
});

test('a slow host sends at its own pace', async () => {
  const { world, near, heard } = await setUp();
  world.network.slowDown('client', 10);
  near.write([Buffer.alloc(100_000)]);
  await world.advance(5_000);
  assert.equal(heard.bytes, 0);
  await world.advance(6_000);
  assert.equal(heard.bytes, 100_000);
});

test('a reset in the network is an error on both ends', async () => {
  const { world, heard } = await setUp();
  world.network.resetConnections('server', 'client');
  await world.advance(10);
  assert.equal((heard.near as { code?: string } | null)?.code, 'ECONNRESET');
  assert.equal((heard.far as { code?: string } | null)?.code, 'ECONNRESET');
});

test('two processes never share memory', async () => {
  const { world, near, far } = await setUp({ network: { chunkChance: 0 } });
  const bytes = Buffer.from('same');
  far.onData = (chunk) => chunk.fill('x');
  near.write([bytes]);
  await world.advance(10);
  assert.equal(bytes.toString(), 'same');
});
