// Logs that are made and removed beside the images that ask for it: what does not wait for a slow
// directory, and what comes of topics that change meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate } from '../../sim/index.ts';
import { FollowerBroker, nodeId } from '../../tests/doubles/replication/follower-broker.ts';
import { TopicHistory } from '../../tests/doubles/replication/topic-history.ts';
import { type Io, IoError } from '../io/index.ts';
import { type MetadataHistory, MetadataImage } from '../metadata/index.ts';
import { encodeBatch } from '../protocol/index.ts';
import type { LogDirectory } from '../storage/index.ts';
import type { ReplicasOptions } from './replicas.ts';

const other = 2;

interface Scene {
  readonly io: Io;
  readonly process: SimProcess;
  readonly broker: FollowerBroker;
  readonly topics: TopicHistory;
}

function play(
  paths: readonly string[],
  run: (scene: Scene) => Promise<void>,
  options: Partial<ReplicasOptions> = {},
): Promise<void> {
  return simulate(async (io, process) => {
    const broker = await FollowerBroker.open(io, paths, options);
    await run({ io, process, broker, topics: new TopicHistory(nodeId) });
    assert.deepEqual(broker.failures, []);
    await broker.close();
  });
}

const foldersIn = (io: Io, path: string): string[] =>
  io.disk
    .list(path)
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name.replace(/\.[0-9a-f]{32}-/, ' '))
    .sort();

const oneBatch = (): Buffer => encodeBatch({ records: [{ value: Buffer.from('x') }] });

test('roles change at once, whatever the folders of the same image have to wait for', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId, other]));
    await broker.replicas.settled();
    process.host.freezeTree('/a');
    broker.follow(topics.create('u', [nodeId]));
    broker.follow(topics.grow('t', nodeId));
    broker.follow(topics.lead('t', 0, other));
    assert.equal(broker.replicas.get('t', 0)?.isLeader, false);
    broker.follow(topics.lead('t', 1, nodeId));
    assert.equal(broker.replicas.get('t', 1)?.isLeader, true);
    assert.equal(broker.replicas.get('t', 1)?.leaderEpoch, 1);
    assert.equal(broker.replicas.image, topics.image);
    const partition = broker.replicas.get('t', 0);
    broker.follow(topics.delete('t'));
    assert.equal(broker.replicas.get('t', 0), undefined);
    assert.throws(() => partition?.assertLeader());
    await io.clock.sleep(10_000);
    assert.equal(broker.replicas.get('u', 0), undefined);
    process.host.thaw();
    await broker.replicas.settled();
    assert.equal(broker.replicas.get('u', 0)?.isLeader, true);
  }));

test('a directory that does not answer holds up nothing in another', () =>
  play(['/a', '/b'], async ({ io, process, broker, topics }) => {
    process.host.freezeTree('/a');
    broker.follow(topics.create('t', [nodeId, nodeId]));
    await io.clock.sleep(1_000);
    assert.equal(broker.placeOf('t', 1), '/b');
    assert.equal(broker.replicas.get('t', 0), undefined);
    const topicId = topics.image.topic('t')?.id as string;
    assert.equal(broker.replicas.isMaking(topicId, 0), true);
    assert.equal(broker.replicas.isMaking(topicId, 1), false);
    // The least loaded is not the one that has nothing but what waits for it.
    broker.follow(topics.create('u', [nodeId]));
    process.host.thaw();
    await broker.replicas.settled();
    assert.equal(broker.replicas.isMaking(topicId, 0), false);
    assert.equal(broker.placeOf('t', 0), '/a');
    assert.deepEqual([...broker.made].sort(), ['t-0', 't-1', 'u-0']);
  }));

test('what is deleted while the logs are closed is left to the next start', () =>
  play(['/a'], async ({ io, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    await broker.replicas.close();
    broker.follow(topics.delete('t'));
    await io.clock.sleep(1_000);
    assert.deepEqual(foldersIn(io, '/a'), ['t-0']);
  }));

test('partitions whose logs are about to be closed take no role any more', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    broker.follow(topics.create('t', [other]));
    await broker.replicas.settled();
    process.host.freezeTree('/a');
    broker.follow(topics.create('u', [nodeId]));
    await io.clock.sleep(10);
    const closing = broker.replicas.close();
    broker.follow(topics.lead('t', 0, nodeId));
    assert.equal(broker.replicas.get('t', 0)?.role, 'follower');
    process.host.thaw();
    await closing;
  }));

test('who waits for one topic does not wait for another', () =>
  play(['/a', '/b'], async ({ process, broker, topics }) => {
    process.host.freezeTree('/a');
    broker.follow(topics.create('t', [nodeId]));
    broker.follow(topics.create('u', [nodeId]));
    await broker.replicas.settled(['u']);
    assert.equal(broker.placeOf('u', 0), '/b');
    assert.equal(broker.replicas.get('t', 0), undefined);
    process.host.thaw();
  }));

test('a topic that is deleted and made anew while its log is made has the log of the new one', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    process.host.freezeTree('/a');
    broker.follow(topics.create('t', [nodeId]));
    await io.clock.sleep(100);
    broker.follow(topics.delete('t'));
    broker.follow(topics.create('t', [nodeId]));
    broker.follow(topics.delete('t'));
    broker.follow(topics.create('t', [other]));
    process.host.thaw();
    await broker.replicas.settled();
    const topicId = topics.image.topic('t')?.id as string;
    assert.equal(broker.replicas.get('t', 0)?.topicId, topicId);
    assert.equal(broker.directories[0]?.topicId('t', 0), topicId);
    assert.deepEqual(foldersIn(io, '/a'), ['t-0', 't-0 delete']);
    assert.deepEqual(broker.made, ['t-0']);
  }));

test('a topic that is deleted while its log is made leaves nothing', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    process.host.freezeTree('/a');
    broker.follow(topics.create('t', [nodeId]));
    await io.clock.sleep(100);
    broker.follow(topics.delete('t'));
    process.host.thaw();
    await broker.replicas.settled();
    await io.clock.sleep(2_000);
    assert.deepEqual(foldersIn(io, '/a'), []);
    assert.equal(broker.directories[0]?.logCount, 0);
    assert.deepEqual(broker.made, []);
  }));

test('a topic that is made anew while the folder of the old one is removed starts empty', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    broker.replicas.get('t', 0)?.appendAsLeader(oneBatch());
    process.host.freezeTree('/a');
    broker.follow(topics.delete('t'));
    broker.follow(topics.create('t', [nodeId]));
    await io.clock.sleep(100);
    assert.equal(broker.replicas.get('t', 0), undefined);
    process.host.thaw();
    await broker.replicas.settled();
    assert.equal(broker.replicas.get('t', 0)?.logEndOffset, 0);
    assert.equal(broker.replicas.get('t', 0)?.isLeader, true);
    assert.deepEqual(foldersIn(io, '/a'), ['t-0', 't-0 delete']);
  }));

test('a log that is there at last has the role of the newest image', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    process.disk.filesOpenMax = process.disk.filesOpenCount;
    broker.follow(topics.create('t', [nodeId, other]));
    await broker.replicas.settled();
    assert.equal(broker.replicas.get('t', 0), undefined);
    broker.follow(topics.lead('t', 0, other));
    broker.follow(topics.lead('t', 1, nodeId));
    broker.follow(topics.lead('t', 1, other));
    broker.follow(topics.lead('t', 1, nodeId));
    process.disk.filesOpenMax = Number.POSITIVE_INFINITY;
    await io.clock.sleep(10_000);
    assert.equal(broker.replicas.get('t', 0)?.isLeader, false);
    assert.equal(broker.replicas.get('t', 0)?.leaderEpoch, 1);
    assert.equal(broker.replicas.get('t', 1)?.isLeader, true);
    assert.equal(broker.replicas.get('t', 1)?.leaderEpoch, 3);
  }));

test('what nobody wants any more is not tried again', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    process.disk.filesOpenMax = process.disk.filesOpenCount;
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    broker.follow(topics.delete('t'));
    process.disk.filesOpenMax = Number.POSITIVE_INFINITY;
    await io.clock.sleep(10_000);
    assert.deepEqual(broker.made, []);
    assert.deepEqual(foldersIn(io, '/a'), []);
  }));

test('a log whose directory is lost while it is made is made in another', () =>
  play(['/a', '/b'], async ({ io, process, broker, topics }) => {
    process.host.freezeTree('/a');
    broker.follow(topics.create('t', [nodeId]));
    await io.clock.sleep(1_000);
    broker.fail('/a');
    await broker.replicas.settled();
    assert.equal(broker.placeOf('t', 0), '/b');
    const partition = broker.replicas.get('t', 0);
    partition?.appendAsLeader(oneBatch());
    // Its answer comes after all.
    process.host.thaw();
    await io.clock.sleep(1_000);
    assert.equal(broker.replicas.get('t', 0), partition);
    assert.equal(partition?.isLeader, true);
    assert.deepEqual(broker.made, ['t-0']);
  }));

test('a removal that is refused is tried again, and spares a new topic of the name', () =>
  play(['/a', '/b'], async ({ io, process, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    assert.equal(broker.placeOf('t', 0), '/a');
    const refuse = (): void => {
      process.disk.atOperation(0, () => {
        throw new IoError('ENOSPC', 'no space left on device');
      });
    };
    refuse();
    broker.follow(topics.delete('t'));
    await broker.replicas.settled();
    assert.deepEqual(foldersIn(io, '/a'), ['t-0']);
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    assert.equal(broker.placeOf('t', 0), '/b');
    await io.clock.sleep(1_500);
    assert.deepEqual(foldersIn(io, '/a'), ['t-0 delete']);
    assert.deepEqual(foldersIn(io, '/b'), ['t-0']);
    assert.equal(broker.replicas.get('t', 0)?.isLeader, true);
  }));

test('an image that comes late changes nothing, and one behind a gap is taken as a whole', () =>
  play(['/a'], async ({ broker, topics }) => {
    broker.follow(topics.create('gone', [nodeId]));
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    const late = topics.lead('t', 0, other);
    topics.delete('gone');
    topics.create('new', [nodeId]);
    broker.follow(topics.lead('t', 0, nodeId));
    assert.equal(broker.replicas.get('gone', 0), undefined);
    broker.follow(late);
    assert.equal(broker.replicas.get('t', 0)?.isLeader, true);
    assert.equal(broker.replicas.get('t', 0)?.leaderEpoch, 2);
    assert.equal(broker.replicas.image, topics.image);
    await broker.replicas.settled();
    assert.equal(broker.replicas.get('new', 0)?.isLeader, true);
  }));

/** A move that takes its time: the copy of what is in the partition lasts a second. */
const slowMoves = { moveBytesPerSecondMax: () => 200 };

async function movingPartition({ io, broker, topics }: Scene): Promise<void> {
  broker.follow(topics.create('t', [nodeId]));
  await broker.replicas.settled();
  for (let i = 0; i < 3; i++) broker.replicas.get('t', 0)?.appendAsLeader(oneBatch());
  await broker.replicas.moves.move('t', 0, '/b');
  await io.clock.sleep(100);
  assert.equal([...broker.replicas.moves.all()].length, 1);
}

test('a partition that moves while its role changes has its newest role in the new place', () =>
  play(
    ['/a', '/b'],
    async (scene) => {
      const { io, broker, topics } = scene;
      await movingPartition(scene);
      broker.follow(topics.lead('t', 0, other));
      const partition = broker.replicas.get('t', 0);
      assert.equal(partition?.isLeader, false);
      broker.follow(topics.lead('t', 0, nodeId));
      assert.equal(partition?.isLeader, true);
      assert.equal(broker.placeOf('t', 0), '/a');
      await io.clock.sleep(30_000);
      assert.equal(broker.placeOf('t', 0), '/b');
      assert.equal(broker.replicas.get('t', 0), partition);
      assert.equal(partition?.leaderEpoch, 2);
      assert.equal(partition?.appendAsLeader(oneBatch()).baseOffset, 3);
      assert.deepEqual(foldersIn(io, '/a'), []);
    },
    slowMoves,
  ));

test('a topic that is deleted and made anew while it moves leaves no copy', () =>
  play(
    ['/a', '/b'],
    async (scene) => {
      const { io, broker, topics } = scene;
      await movingPartition(scene);
      broker.follow(topics.delete('t'));
      broker.follow(topics.create('t', [nodeId]));
      assert.equal(broker.replicas.get('t', 0), undefined);
      await broker.replicas.settled();
      assert.equal(broker.replicas.get('t', 0)?.logEndOffset, 0);
      await io.clock.sleep(30_000);
      assert.equal([...broker.replicas.moves.all()].length, 0);
      const place = broker.placeOf('t', 0) as string;
      assert.deepEqual(foldersIn(io, place), ['t-0']);
      assert.deepEqual(foldersIn(io, place === '/a' ? '/b' : '/a'), []);
    },
    slowMoves,
  ));

test('a topic that is made anew does not wait for a move from a directory that is lost', () =>
  play(
    ['/a', '/b'],
    async (scene) => {
      const { io, process, broker, topics } = scene;
      await movingPartition(scene);
      process.host.freezeTree('/b');
      await io.clock.sleep(30_000);
      broker.follow(topics.delete('t'));
      broker.follow(topics.create('t', [nodeId]));
      await io.clock.sleep(1_000);
      assert.equal(broker.replicas.get('t', 0), undefined);
      broker.fail('/b');
      await broker.replicas.settled();
      assert.equal(broker.placeOf('t', 0), '/a');
      assert.equal(broker.replicas.get('t', 0)?.isLeader, true);
      process.host.thaw();
      await io.clock.sleep(1_000);
      assert.equal(broker.placeOf('t', 0), '/a');
      assert.deepEqual(foldersIn(io, '/a'), ['t-0']);
    },
    slowMoves,
  ));

test('a partition that is deleted while its move is given another target moves no more', () =>
  play(
    ['/a', '/b', '/c'],
    async (scene) => {
      const { io, broker, topics } = scene;
      await movingPartition(scene);
      const moving = broker.replicas.moves.move('t', 0, '/c');
      broker.follow(topics.delete('t'));
      broker.follow(topics.create('t', [nodeId]));
      await assert.rejects(moving, { errorName: 'REPLICA_NOT_AVAILABLE' });
      assert.equal([...broker.replicas.moves.all()].length, 0);
      await io.clock.sleep(30_000);
      assert.equal(broker.replicas.get('t', 0)?.isLeader, true);
    },
    slowMoves,
  ));

test('a move finds its target free of what could not be removed there', () =>
  play(['/a', '/b'], async ({ io, process, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    process.disk.atOperation(0, () => {
      throw new IoError('ENOSPC', 'no space left on device');
    });
    broker.follow(topics.delete('t'));
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    assert.equal(broker.placeOf('t', 0), '/b');
    await broker.replicas.moves.move('t', 0, '/a');
    await io.clock.sleep(10_000);
    assert.equal(broker.placeOf('t', 0), '/a');
    assert.deepEqual(foldersIn(io, '/a'), ['t-0']);
    assert.deepEqual(foldersIn(io, '/b'), []);
  }));

const refuseAt = (process: SimProcess, count: number): void => {
  process.disk.atOperation(count, () => {
    throw new IoError('ENOSPC', 'no space left on device');
  });
};

test('a folder of a deleted log whose files cannot be removed goes later', () =>
  play(['/a'], async ({ io, process, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId]));
    await broker.replicas.settled();
    broker.follow(topics.delete('t'));
    await broker.replicas.settled();
    refuseAt(process, 0);
    await io.clock.sleep(5_000);
    assert.deepEqual(foldersIn(io, '/a'), ['t-0 delete']);
    await io.clock.sleep(60_000);
    assert.deepEqual(foldersIn(io, '/a'), []);
  }));

test('a move that is refused something at any step leaves one log with all records', async () => {
  const places = new Set<string>();
  for (let count = 0; count < 45; count++) {
    await play(['/a', '/b'], async ({ io, process, broker, topics }) => {
      broker.follow(topics.create('t', [nodeId]));
      await broker.replicas.settled();
      const partition = broker.replicas.get('t', 0);
      for (let i = 0; i < 3; i++) partition?.appendAsLeader(oneBatch());
      await broker.replicas.moves.move('t', 0, '/b');
      refuseAt(process, count);
      await io.clock.sleep(10_000);
      process.disk.atOperation(Number.POSITIVE_INFINITY, () => {});
      assert.equal(partition?.isLeader, true, `${count}`);
      assert.equal(partition?.appendAsLeader(oneBatch()).baseOffset, 3);
      const place = broker.placeOf('t', 0) as string;
      places.add(place);
      for (const directory of broker.directories) {
        const isHome = directory.path === place;
        assert.equal(directory.log('t', 0) !== null, isHome, `${count}: ${directory.path}`);
      }
    });
  }
  assert.equal(places.size, 2);
});

test('whoever fetches hears of each partition that was made, changed its role, or went', () => {
  const told: string[] = [];
  const onRoleChanged: ReplicasOptions['onRoleChanged'] = ({ partition, role, following }) => {
    told.push(`${partition} ${following === null ? role : `follows ${following.leader}`}`);
  };
  const tell = (): string[] => told.splice(0);
  return play(
    ['/a', '/b'],
    async ({ broker, topics }) => {
      broker.follow(topics.create('t', [nodeId, other]));
      await broker.replicas.settled();
      assert.deepEqual(tell(), ['0 leader', `1 follows ${other}`]);
      broker.follow(topics.lead('t', 0, 3));
      assert.deepEqual(tell(), ['0 follows 3']);
      broker.fail(broker.placeOf('t', 1) as string);
      assert.deepEqual(tell(), ['1 offline']);
      broker.follow(topics.delete('t'));
      assert.deepEqual(tell(), ['0 offline', '1 offline']);
    },
    { onRoleChanged },
  );
});

test('a replica that was reassigned away goes with its folder, and comes back empty', () =>
  play(['/a'], async ({ io, broker, topics }) => {
    broker.follow(topics.create('t', [nodeId, nodeId]));
    await broker.replicas.settled();
    const partition = broker.replicas.get('t', 0);
    partition?.appendAsLeader(oneBatch());
    // Others are to have it: as long as it has a replica here, nothing goes.
    broker.follow(topics.state('t', 0, { replicas: [nodeId, 2, 3], addingReplicas: [3] }));
    await broker.replicas.settled();
    assert.deepEqual(foldersIn(io, '/a'), ['t-0', 't-1']);
    broker.follow(topics.state('t', 0, { replicas: [2, 3], leader: 3, leaderEpoch: 1 }));
    assert.equal(broker.replicas.get('t', 0), undefined);
    assert.throws(() => partition?.assertLeader());
    await broker.replicas.settled();
    assert.deepEqual(foldersIn(io, '/a'), ['t-0 delete', 't-1']);
    assert.equal(broker.replicas.isMaking(partition?.topicId as string, 0), false);
    assert.deepEqual(
      [...broker.replicas.highWatermarks(broker.directories[0] as never).keys()],
      ['t-1'],
    );
    broker.follow(topics.state('t', 0, { replicas: [2, 3, nodeId] }));
    await broker.replicas.settled();
    assert.equal(broker.replicas.get('t', 0)?.logEndOffset, 0);
    assert.equal(broker.replicas.get('t', 0)?.following?.leader, 3);
    // file.delete.delay.ms later.
    await io.clock.sleep(2000);
    assert.deepEqual(foldersIn(io, '/a'), ['t-0', 't-1']);
    broker.follow(topics.delete('t'));
    await broker.replicas.settled();
    await io.clock.sleep(2000);
    assert.deepEqual(foldersIn(io, '/a'), []);
  }));

for (const replicas of [[nodeId, other], [nodeId]]) {
  const [isAlone, becomes] = [replicas.length === 1, replicas.length > 1 ? 'offline' : 'leader'];
  const which = isAlone ? 'alone' : 'one of several';
  test(`a replica that is ${which} is ${becomes} when the metadata fall behind its log`, () => {
    const told: string[] = [];
    return play(
      ['/a'],
      async ({ broker, topics }) => {
        broker.follow(topics.create('t', [nodeId]));
        await broker.replicas.settled();
        broker.follow(topics.state('t', 0, { replicas, leader: nodeId, leaderEpoch: 5 }));
        broker.replicas.get('t', 0)?.appendAsLeader(oneBatch());
        broker.follow(topics.state('t', 0, { leaderEpoch: 4, partitionEpoch: 99 }));
        assert.equal(broker.replicas.get('t', 0)?.role, becomes);
        assert.deepEqual(told, isAlone ? [] : ['0 offline']);
        assert.equal(broker.replicas.offlineReplicas().length, isAlone ? 0 : 1);
      },
      {
        onRoleChanged: ({ partition, role }) => {
          if (role === 'offline') told.push(`${partition} ${role}`);
        },
      },
    );
  });
}

for (const proof of ['noted', 'not noted', 'noted at a newer offset'] as const) {
  const fate = proof === 'noted' ? 'deleted' : 'set aside';
  test(`a replica that was reassigned while its broker was away and ${proof} is ${fate}`, () =>
    simulate(async (io) => {
      const history: MetadataHistory = {
        id: 'AAAAAAAAAAAAAAAAAAAABQ',
        beginAnew: () => Promise.resolve(),
        deletedTopics: () => Promise.resolve(new Set()),
      };
      const topics = new TopicHistory(nodeId);
      const first = await FollowerBroker.open(io, ['/a'], { history });
      first.follow(topics.create('t', [nodeId]));
      first.follow(topics.create('u', [nodeId]));
      await first.replicas.settled();
      first.replicas.get('t', 0)?.appendAsLeader(oneBatch());
      const [directory] = first.directories;
      if (proof !== 'not noted') await first.replicas.writeNotes(directory as LogDirectory);
      const { offset } = first.replicas.image;
      await first.close();
      const away = topics.state('t', 0, { replicas: [2, 3], leader: 2, leaderEpoch: 1 }).image;
      const isOlder = proof === 'noted at a newer offset';
      const image = isOlder ? new MetadataImage({ ...away, offset: offset - 1 }) : away;
      const second = await FollowerBroker.open(io, ['/a'], { history }, image);
      assert.equal(second.replicas.get('t', 0), undefined);
      await second.close();
      const found = foldersIn(io, '/a').filter((name) => name.startsWith('t-0'));
      assert.deepEqual(found, [fate === 'deleted' ? 't-0 delete' : 't-0 stray']);
    }));
}
