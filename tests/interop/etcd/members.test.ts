// Three real members of etcd under three processes that do with them what brokers do. Members are
// killed, stopped and cut off from each other, and all leases are revoked: no entry is lost, none
// is there twice, what has no known outcome is told so, and everybody follows.
//
// A leader that is stopped for longer than leases last revokes them all when it goes on (etcd's
// issue 15247, not mended in 3.4.23): `npm run test:stopped-etcd` stops it for 30 seconds.

import { test } from 'node:test';
import { createNodeIo } from '../../../src/io/node-io.ts';
import { EtcdClient } from '../../../src/metadata/engines/etcd/etcd-client.ts';
import { EtcdStore, parseEtcdAddress } from '../../../src/metadata/engines/etcd/index.ts';
import { until } from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { NamespaceNetwork, whyNoNamespaces } from '../clusters/network.ts';
import { NumberingRun } from '../clusters/numbering-run.ts';
import { answers, present } from '../toolchain.ts';
import { EtcdCluster } from './etcd-process.ts';

const isPresent = answers('etcd', '--version') && answers('etcdctl', 'version');
const io = createNodeIo({ logLevel: 'off' });
const sessionTimeoutMs = 2_000;
const stopMs = Number(process.env.ETCD_STOP_SECONDS ?? 3) * 1_000;
const places = ['m0', 'm1', 'm2'];

test('etcd members killed, cut off and stopped, and all leases revoked', async (t) => {
  if (!present(t, isPresent, 'etcd')) return;
  const network = whyNoNamespaces() === null ? new NamespaceNetwork(places) : null;
  t.after(() => network?.dispose());
  const etcd = await EtcdCluster.start({ members: 3, ...(network === null ? {} : { network }) });
  t.after(() => etcd.stop());
  const address = parseEtcdAddress(`etcd://${etcd.hosts}/kafka`);
  const run = new NumberingRun(io, sessionTimeoutMs, () =>
    EtcdStore.open(io, { address, sessionTimeoutMs }),
  );
  await run.begin();

  await t.test('the leader is killed', async () => {
    const leader = await etcd.leader();
    await etcd.kill(leader);
    await run.goesOn('the leader is killed');
    etcd.startMember(leader);
    await etcd.untilReady();
  });

  await t.test('the leader, and a follower, are cut off from the others', async () => {
    if (network === null) return t.diagnostic(`left out: ${whyNoNamespaces()}`);
    for (const isLeader of [true, false]) {
      const leader = await etcd.leader();
      const alone = isLeader ? leader : (leader + 1) % 3;
      const isWatchOver = await watchAt(etcd.hostOf(alone));
      for (const other of places.keys()) {
        if (other === alone) continue;
        network.cut(places[alone] as string, places[other] as string);
        network.cut(places[other] as string, places[alone] as string);
      }
      await run.goesOn('a member is cut off');
      await until(io, 'its watches have ended', isWatchOver);
      network.heal();
      await etcd.untilReady();
      await run.goesOn('it is back');
    }
  });

  await t.test('every lease is revoked by hand', async () => {
    const before = run.sessionNumbers;
    await run.costsElections(0, async () => {
      for (const line of etcd.etcdctl('lease', 'list').split('\n')) {
        const lease = /^[0-9a-f]{8,}$/.exec(line)?.[0];
        // One whose process was slow may be gone by itself.
        if (lease !== undefined) etcd.tryEtcdctl('lease', 'revoke', lease);
      }
      await until(io, 'all have new sessions', () =>
        run.sessionNumbers.every((number, index) => number > (before[index] as number)),
      );
      await run.goesOn('every lease was revoked');
    });
  });

  await t.test('the leader is stopped for longer than leases last', async () => {
    const leader = await etcd.leader();
    etcd.signal(leader, 'SIGSTOP');
    await run.goesOn('the leader is stopped');
    await io.clock.sleep(stopMs);
    const cost = await run.costsElections(0, async () => {
      etcd.signal(leader, 'SIGCONT');
      await etcd.untilReady();
      await io.clock.sleep(1_000);
      await run.goesOn('it goes on');
    });
    t.diagnostic(`when it went on: ${cost}`);
  });

  const { acknowledged, unknownThere } = await run.end();
  t.diagnostic(`${acknowledged} acknowledged, ${unknownThere} of unknown outcome were made`);
});

/** A watch at this member alone, by which nothing else is asked. */
async function watchAt(host: string): Promise<() => boolean> {
  let isOver = false;
  const client = new EtcdClient(io, parseEtcdAddress(`etcd://${host}/kafka`), 2_000);
  const key = Buffer.from('/kafka/nobody').toString('base64');
  await client.stream('/v3/watch', JSON.stringify({ create_request: { key } }), {
    onPart: (part) => {
      isOver ||= part.includes('"canceled":true') || part.includes('"error"');
    },
    onEnd: () => {
      isOver = true;
    },
  });
  return () => isOver;
}
