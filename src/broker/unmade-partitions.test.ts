// A broker one of whose directories is slow: what clients are told of partitions whose logs are
// still to be made there, and what goes on meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate } from '../../sim/index.ts';
import { port, startBroker } from '../../tests/doubles/broker/brokers.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  createTopics,
  describeTopicPartitions,
  ErrorCode,
  findCoordinator,
  heartbeat,
  metadata,
} from '../protocol/index.ts';

function play(
  run: (at: { io: Io; process: SimProcess; client: ClientConnection }) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  return simulate(async (io, process) => {
    const broker = await startBroker(io, { 'log.dirs': '/a,/b', ...config });
    const client = await ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });
    await run({ io, process, client });
    client.close();
    await broker.stop();
  });
}

const wanted = (name: string, numPartitions: number) => ({
  topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
});

test('nobody is sent to a partition whose log is still to be made', () =>
  play(async ({ io, process, client }) => {
    const other = await ClientConnection.connect(io, { host: 'host', port, clientId: 'other' });
    process.host.freezeTree('/b');
    const creating = client.request(createTopics, wanted('t', 2));
    await io.clock.sleep(1_000);
    const leaders = async (): Promise<unknown> => {
      const { topics } = await other.request(metadata, { topics: [{ name: 't' }] });
      const described = await other.request(describeTopicPartitions, { topics: [{ name: 't' }] });
      const shown = [topics[0], described.topics[0]].map((topic) =>
        topic?.partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId]),
      );
      assert.deepEqual(shown[0], shown[1]);
      return shown[0];
    };
    const { LEADER_NOT_AVAILABLE } = ErrorCode;
    assert.deepEqual(await leaders(), [
      [0, 1],
      [LEADER_NOT_AVAILABLE, -1],
    ]);
    process.host.thaw();
    assert.equal((await creating).topics[0]?.errorCode, 0);
    assert.deepEqual(await leaders(), [
      [0, 1],
      [0, 1],
    ]);
    other.close();
  }));

test('a group whose log is made late is coordinated from then on', () =>
  play(
    async ({ io, process, client }) => {
      process.host.freezeTree('/b');
      const other = await ClientConnection.connect(io, { host: 'host', port, clientId: 'other' });
      void other.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] }).catch(() => {});
      await io.clock.sleep(1_000);
      const errors = async (): Promise<number[]> => {
        const found: number[] = [];
        for (const groupId of ['a', 'b', 'c', 'd']) {
          const member = { groupId, generationId: 1, memberId: 'nobody' };
          found.push((await client.request(heartbeat, member)).errorCode);
        }
        return found;
      };
      const { NOT_COORDINATOR, UNKNOWN_MEMBER_ID } = ErrorCode;
      const before = await errors();
      assert.ok(
        before.includes(NOT_COORDINATOR) && before.includes(UNKNOWN_MEMBER_ID),
        `${before}`,
      );
      process.host.thaw();
      await io.clock.sleep(1_000);
      assert.deepEqual(
        await errors(),
        [0, 1, 2, 3].map(() => UNKNOWN_MEMBER_ID),
      );
      other.close();
    },
    { 'offsets.topic.num.partitions': '2' },
  ));
