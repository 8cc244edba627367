// The move of a follower's log to another directory while its leader has it cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { logOf } from '../../tests/doubles/replication/logs.ts';
import { contentOf } from '../../tests/doubles/storage/logs.ts';
import { Prng } from '../base/prng.ts';
import type { Io } from '../io/index.ts';
import { encodeBatch } from '../protocol/index.ts';
import { defaultLogConfig, LogDirectory, LogResources } from '../storage/index.ts';
import type { FollowerState } from './follower-state.ts';
import { LogMove } from './log-move.ts';
import { Partition } from './partition.ts';

const name = { topic: 't', partition: 0, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' };

async function openDirectory(io: Io, path: string): Promise<LogDirectory> {
  const options = { path, nodeId: 1, clusterId: 'c', resources: new LogResources(io) };
  return await LogDirectory.open(io, { ...options, onFailure: (_, error) => assert.fail(error) });
}

class Follower {
  readonly partition: Partition;
  readonly content: string[] = [];
  #epoch = 0;

  constructor(io: Io, log: ReturnType<typeof logOf>) {
    this.partition = new Partition(io, { ...name, nodeId: 1, log, highWatermark: 0 });
    this.follow();
  }

  /** In the next leader epoch. */
  follow(): void {
    const leaderEpoch = ++this.#epoch;
    this.partition.becomeFollower({
      ...{ metadataOffset: leaderEpoch, leader: 2, leaderEpoch, partitionEpoch: leaderEpoch },
      ...{ replicas: [1, 2], isr: [1, 2] },
    });
  }

  get #following(): FollowerState {
    return this.partition.following as FollowerState;
  }

  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const offset = this.content.length;
      const value = `${this.#epoch}.${offset}`;
      const records = [{ value: Buffer.from(value.padEnd(100)), timestamp: 0 }];
      const partitionLeaderEpoch = this.#epoch;
      const batch = encodeBatch({ records, baseOffset: offset, partitionLeaderEpoch });
      const fetchOffset = offset;
      this.#following.append({ fetchOffset, records: batch, highWatermark: 0 });
      this.content.push(`${offset}:${value.padEnd(100)}`);
    }
  }

  async cut(offset: number): Promise<void> {
    const epoch = this.partition.logView.leaderEpochs.epochForOffset(Math.max(0, offset - 1));
    await this.#following.truncateTo({ epoch, endOffset: offset });
    this.content.splice(offset);
    this.follow();
  }
}

test('what a truncation took during a move is not in the log that takes over', async () => {
  for (let seed = 0; seed < 15; seed++) {
    const prng = new Prng(`cut ${seed}`);
    await simulate(
      async (io) => {
        const source = await openDirectory(io, '/a');
        const target = await openDirectory(io, '/b');
        const config = { ...defaultLogConfig, segmentBytesMax: 2000, fileDeleteDelayMs: 10 };
        const follower = new Follower(io, await source.createLog(name, config));
        const { partition } = follower;
        follower.append(40);
        let hasTakenOver = false;
        const move = new LogMove(io, {
          ...{ partition, source, target },
          bytesPerSecondMax: () => 20_000,
          onTakenOver: () => {
            hasTakenOver = true;
          },
        });
        for (let round = 0; round < 8 && !hasTakenOver; round++) {
          await io.clock.sleep(prng.int(120));
          await follower.cut(prng.int(follower.content.length + 1));
          follower.append(prng.int(12));
        }
        await move.done;
        assert.equal(hasTakenOver, true);
        assert.equal(logOf(partition).directory, '/b/t-0');
        assert.deepEqual(await contentOf(logOf(partition)), follower.content);
        await Promise.all([source.close(), target.close()]);
      },
      { seed },
    ).catch((error: Error) => {
      throw new Error(`seed "cut ${seed}": ${error.stack}`, { cause: error });
    });
  }
});
