// Three real members of ZooKeeper under three processes that do with them what brokers do. Members
// are killed, stopped and cut off from each other, and a foreign client deletes every ephemeral
// node: no entry is lost, none is there twice, what has no known outcome is told so, everybody
// follows, and sessions are kept wherever ZooKeeper keeps them.
//
// `npm run test:stopped-zookeeper` stops the leader for 30 seconds, and cuts off a follower, too.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNodeIo } from '../../../src/io/node-io.ts';
import { until } from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import {
  parseConnectString,
  ZooKeeperStore,
} from '../../../src/metadata/engines/zookeeper/index.ts';
import { loopback, NamespaceNetwork, whyNoNamespaces } from '../clusters/network.ts';
import { NumberingRun } from '../clusters/numbering-run.ts';
import { Processes } from '../clusters/processes.ts';
import { type StoreMembers, storeMembers, storePlaces } from '../clusters/store-members.ts';
import { freePorts, hasZooKeeper } from './zookeeper-servers.ts';

const io = createNodeIo({ logLevel: 'off' });
const sessionTimeoutMs = 3_000;
const { ZOOKEEPER_STOP_SECONDS: stopSeconds } = process.env;
const stopMs = Number(stopSeconds ?? 3) * 1_000;
const places = storePlaces('zookeeper', 3);
const memory = '/dev/shm';

class Ensemble {
  readonly network = whyNoNamespaces() === null ? new NamespaceNetwork(places) : loopback;
  readonly members: StoreMembers;
  readonly #folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'partita-members-'));
  readonly #processes = new Processes();

  private constructor(ports: readonly number[]) {
    const purposes = ['client', 'peer', 'election'];
    this.members = storeMembers('zookeeper', places, {
      directory: this.#folder,
      hostOf: (place) => this.network.hostOf(place),
      portOf: (place, purpose = 'client') =>
        ports[places.indexOf(place) * purposes.length + purposes.indexOf(purpose)] as number,
    });
  }

  static async start(): Promise<Ensemble> {
    const ensemble = new Ensemble(await freePorts(3 * places.length));
    for (const place of places) ensemble.launch(place);
    await ensemble.areServing();
    return ensemble;
  }

  launch(place: string): void {
    this.#processes.spawn(place, this.network.commandAt(place, this.members.commandOf(place)));
  }

  async areServing(): Promise<void> {
    for (const place of places) {
      for (let step = 0; !(await this.members.isServing(place)); step++) {
        assert.ok(step < 600, `${place} does not serve: ${this.#processes.output}`);
        await io.clock.sleep(50);
      }
    }
  }

  async leader(): Promise<string> {
    for (;;) {
      const leader = await this.members.leader();
      if (leader !== null) return leader;
      await io.clock.sleep(50);
    }
  }

  kill(place: string): Promise<void> {
    return this.#processes.end(place, 'SIGKILL');
  }

  signal(place: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#processes.signal(place, signal);
  }

  /** Nothing arrives at the others, nor from them; clients find it. */
  cutOff(alone: string): void {
    for (const other of places) {
      if (other === alone) continue;
      this.network.cut(alone, other);
      this.network.cut(other, alone);
    }
  }

  async dispose(): Promise<void> {
    await this.#processes.endAll();
    this.network.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

test('ZooKeeper members killed, cut off and stopped, all ephemeral nodes deleted', async (t) => {
  if (!hasZooKeeper(t)) return;
  const ensemble = await Ensemble.start();
  t.after(() => ensemble.dispose());
  const connect = ensemble.members.brokerConfig['zookeeper.connect'] as string;
  const { hosts, chroot } = parseConnectString(connect);
  const run = new NumberingRun(io, sessionTimeoutMs, () =>
    ZooKeeperStore.open(io, { hosts, chroot, sessionTimeoutMs, connectTimeoutMs: 20_000 }),
  );
  await run.begin();

  await t.test('a member is cut off from the others', async () => {
    if (!ensemble.network.canCut) return t.diagnostic(`left out: ${whyNoNamespaces()}`);
    for (const isLeader of stopSeconds === undefined ? [true] : [true, false]) {
      const leader = await ensemble.leader();
      const alone = isLeader ? leader : (places.find((each) => each !== leader) as string);
      ensemble.cutOff(alone);
      await run.goesOn(`${isLeader ? 'the leader' : 'a follower'} is cut off`);
      ensemble.network.heal();
      await ensemble.areServing();
      await run.goesOn('it is back');
    }
  });

  await t.test('a foreign client deletes every ephemeral node', async () => {
    const before = run.sessionNumbers;
    const epoch = run.epoch;
    const cost = await run.costsElections(1, async () => {
      const count = await ensemble.members.endSessions();
      assert.equal(count, 4, 'three who are registered, and a controller');
      await until(io, 'another term has begun', () => run.epoch > epoch);
      await run.goesOn('every ephemeral node was deleted');
    });
    t.diagnostic(`when all ephemeral nodes were deleted: ${cost}`);
    assert.deepEqual(run.sessionNumbers, before, 'sessions are kept');
  });

  await t.test('the leader is stopped', async () => {
    const leader = await ensemble.leader();
    ensemble.signal(leader, 'SIGSTOP');
    await run.goesOn('the leader is stopped');
    await io.clock.sleep(stopMs);
    const cost = await run.costsElections(0, async () => {
      ensemble.signal(leader, 'SIGCONT');
      await ensemble.areServing();
      await io.clock.sleep(1_000);
      await run.goesOn('it goes on');
    });
    t.diagnostic(`when it went on: ${cost}`);
  });

  await t.test('the leader is killed, and stays away', async () => {
    await ensemble.kill(await ensemble.leader());
    await run.goesOn('the leader is killed');
  });

  const { acknowledged, unknownThere } = await run.end();
  t.diagnostic(`${acknowledged} acknowledged, ${unknownThere} of unknown outcome were made`);
});
