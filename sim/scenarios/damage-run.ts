// A broker whose files come to harm while it is down, from its first record to the last check: it
// is loaded with topics of every kind, stopped, damaged and started again. Either it refuses, is
// given back what was damaged, and starts with everything; or it serves, and is held against what
// lay on its disk. Then it is written to, and started once more.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { Admin, KafkaError, Producer } from '../../src/client/index.ts';
import { decodeRecords, errorName, readBatchHeader } from '../../src/protocol/index.ts';
import {
  assertRefusal,
  assertUntouched,
  batchesIn,
  batchesOf,
  type DamagedLog,
  type DamagedTree,
  damagedLogs,
  everyBatch,
  identityOf,
  placeName,
  recordOf,
  storedLogs,
} from '../checkers/index.ts';
import { brokerPort, Cluster } from '../cluster.ts';
import { type Damage, damageOnce, putBack } from '../damage.ts';
import type { FileSystem } from '../file-system.ts';
import type { BrokerExit } from '../sim-broker.ts';
import { type RawRead, readRaw } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { DamageLoad } from './damage-load.ts';
import { type DamagePlan, epochMs, goneTopic, group } from './damage-plan.ts';

const startMsMax = 600_000;
const checkMsMax = 600_000;
/** Longer than it takes until what is deleted is gone from the disk. */
const deletedMsMax = 150_000;
const internalTopics = ['__consumer_offsets', '__transaction_state'];

export class DamageRun {
  readonly world: World;
  readonly cluster: Cluster;
  readonly plan: DamagePlan;
  readonly #load: DamageLoad;
  readonly #prng: Prng;
  #exit: Error | null = null;
  /** Where records went that were sent after the damage, by place and offset. */
  readonly #fresh = new Map<string, string>();

  constructor(world: World, plan: DamagePlan) {
    this.world = world;
    this.plan = plan;
    this.#prng = world.prng.fork('damage run');
    const onExit = ({ error, wasStarting }: BrokerExit): void => {
      if (wasStarting) this.#exit = error;
      else world.fail(new Error(`the broker serves, and then gives up: ${error.message}`));
    };
    this.cluster = new Cluster(world, { ...plan, onExit });
    this.#load = new DamageLoad(world, this.cluster, plan);
  }

  async run(): Promise<void> {
    const older = await this.#load.run();
    const before = this.files.clone();
    const damages = this.#damage(older);
    const damaged = this.files.clone();
    const { directories, isStoppedCleanly } = this.plan;
    const tree = { before, damaged, directories, wasStoppedCleanly: isStoppedCleanly };
    const paths = damages.flatMap((damage) => damage.paths);
    if (await this.#startDamaged(tree, paths)) return this.#judge(tree);
    assertUntouched(damaged, this.files, directories, paths);
    // Those that hold others come first.
    for (const path of [...paths].sort()) putBack(this.files, before, path);
    await this.#start();
    assert(this.#exit === null, `with everything put back it starts: ${this.#exit?.message}`);
    await this.#judge({ ...tree, damaged: before });
  }

  get files(): FileSystem {
    return this.cluster.broker.host.files;
  }

  #damage(older: FileSystem): Damage[] {
    const { world, plan, files } = this;
    const prng = world.prng.fork('damage');
    const damages: Damage[] = [];
    const how = plan.isStoppedCleanly ? 'a clean stop' : 'a kill';
    const options = { prng, directories: plan.directories, older };
    while (damages.length < plan.damageCount) {
      const done = plan.damage === undefined ? damageOnce(files, options) : plan.damage(files);
      if (done === null) continue;
      damages.push(done);
      world.note(`damage after ${how}: ${done.kind} ${done.paths.join(' ')}`);
    }
    return damages;
  }

  async #start(): Promise<void> {
    const { broker } = this.cluster;
    this.#exit = null;
    // What was compacted after the damage could not be told from what is lost.
    broker.start({ config: { 'log.cleaner.enable': 'false' } });
    await this.world.run(() => broker.isReady || this.#exit !== null, startMsMax);
  }

  /** False: it refuses, and says it as it should. */
  async #startDamaged(tree: DamagedTree, paths: readonly string[]): Promise<boolean> {
    await this.#start();
    if (this.#exit !== null) {
      assertRefusal(this.#exit, paths);
      return false;
    }
    for (const directory of tree.directories) {
      const isThere = (tree.damaged.removalOrder(directory).length ?? 0) > 1;
      assert(isThere, `the broker starts without ${directory}, and says nothing`);
    }
    return true;
  }

  async #judge(tree: DamagedTree): Promise<void> {
    const topics = await this.#assertTopics(tree);
    const logs = damagedLogs(tree, topics);
    await this.#judgeAll(logs);
    await this.#assertCommits(tree, logs);
    await this.#produce(logs);
    this.#load.killSurvivor();
    await this.#judgeAll(logs);
    await this.world.advance(deletedMsMax);
    await this.#load.end(this.#prng.chance(0.5));
    await this.#start();
    assert(this.#exit === null, `it starts once more: ${this.#exit?.message}`);
    await this.#judgeAll(logs);
    this.#assertKept(tree);
  }

  /** Returns those that are there. */
  async #assertTopics(tree: DamagedTree): Promise<string[]> {
    const metadata = tree.directories.map((directory) => `${directory}/__cluster_metadata-0`);
    const isMetadataDamaged = metadata.some((folder) => isTreeChanged(tree, folder));
    const names = [...this.#load.topicIds.keys()];
    const found = await this.cluster.asClient(
      'checker',
      (io) => this.#load.listTopics(io),
      checkMsMax,
    );
    for (const name of names) {
      const isThere = found.get(name) === this.#load.topicIds.get(name);
      assert(isThere || isMetadataDamaged, `the topic ${name} is gone, its metadata were good`);
    }
    if (!isMetadataDamaged) assert(!found.has(goneTopic), 'a deleted topic is back');
    return names.filter((name) => found.get(name) === this.#load.topicIds.get(name));
  }

  async #judgeAll(logs: readonly DamagedLog[]): Promise<void> {
    for (const log of logs) {
      const read = await this.#read(log);
      const unknown = log.judge(read);
      if (!internalTopics.includes(log.before.topic)) this.#judgeUnknown(log, unknown);
      if (!log.isLogDamaged && log.before.topic === 'plain') assertNoDuplicates(log, read);
      this.#judgeFresh(log, read);
    }
  }

  async #read(log: DamagedLog): Promise<RawRead> {
    const { topic, partition } = log.before;
    const stops = batchesOf(log.before).map(({ header }) => header.baseOffset);
    // Of a log that lost all that it had, too.
    stops.push(...this.#freshOffsetsOf(log));
    stops.sort((a, b) => a - b);
    const partitionMaxBytes = this.#prng.pick([1, 3_000, 1_000_000]);
    const host = this.cluster.broker.host.name;
    const options = { host, port: brokerPort, stops, partitionMaxBytes };
    return await this.cluster.asClient(
      'checker',
      (io) => readRaw(io, { topic, partition }, options),
      checkMsMax,
    );
  }

  #freshOffsetsOf({ name }: DamagedLog): number[] {
    const places = [...this.#fresh.keys()].map((where) => where.split('@') as [string, string]);
    return places.filter(([log]) => log === name).map(([, offset]) => Number(offset));
  }

  /** What is new in the log is what somebody sent to it. */
  #judgeUnknown(log: DamagedLog, unknown: ReadonlyMap<number, Buffer>): void {
    for (const [offset, bytes] of unknown) {
      const header = readBatchHeader(bytes, 0);
      if (header.isControl) continue;
      for (const record of decodeRecords(bytes, header)) {
        const sent = this.#load.updates.find(record) ?? identityOf(record);
        const where = `${log.name} offset ${offset}`;
        assert(placeName(sent) === log.name, `${where} serves what was sent elsewhere`);
      }
    }
  }

  #judgeFresh(log: DamagedLog, read: RawRead): void {
    for (const [where, key] of this.#fresh) {
      const [name, offset] = where.split('@') as [string, string];
      if (name !== log.name) continue;
      const bytes = read.batches.get(Number(offset));
      assert(bytes !== undefined, `${name} offset ${offset} was acknowledged, and is not served`);
      const found = decodeRecords(bytes, readBatchHeader(bytes, 0))[0]?.key?.toString();
      assert(found === key, `${name} offset ${offset} was acknowledged as ${key}, and is ${found}`);
    }
  }

  async #assertCommits(tree: DamagedTree, logs: readonly DamagedLog[]): Promise<void> {
    const offsetLogs = logs.filter(({ before }) => before.topic === '__consumer_offsets');
    const isWhole =
      offsetLogs.length > 0 && !offsetLogs.some((log) => isTreeChanged(tree, log.before.path));
    const places = this.#load.places.filter(({ topic }) =>
      logs.some(({ before }) => before.topic === topic),
    );
    const options = { partitions: places, timeoutMs: 30_000 };
    const offsets = await this.cluster.asClient('checker', async (io) => {
      const admin = new Admin({ bootstrapServers: this.cluster.bootstrapServers }, io);
      try {
        return await admin.listConsumerGroupOffsets(group, options);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        return error;
      } finally {
        await admin.close();
      }
    });
    if (offsets instanceof KafkaError) {
      assert(!isWhole, `offsets are not found: ${offsets.message}`);
      return;
    }
    for (const { topic, partition, offset, error } of offsets) {
      const name = placeName({ topic, partition });
      const commits = this.#load.commits.get(name) ?? [];
      if (!isWhole && (error !== null || offset < 0 || commits.includes(offset))) continue;
      const known = commits.at(-1);
      const found = error === null ? offset : errorName(error.code);
      assert(offset === known, `the offset of ${name} was ${known}, and ${found} is found`);
    }
  }

  /** One record for each partition that is served. */
  async #produce(logs: readonly DamagedLog[]): Promise<void> {
    const { cluster, world } = this;
    const { bootstrapServers } = cluster;
    const traits = { acks: -1, isIdempotent: true, isSerial: true } as const;
    const session = this.#load.ledger.openSession('fresh', traits);
    for (const log of logs) {
      if (internalTopics.includes(log.before.topic)) continue;
      const isOffline = log.isOffline(await this.#read(log));
      const record = session.next(log.before, epochMs + Math.floor(world.timeMs));
      const { topic, partition, timestamp } = record;
      const sent = { topic, partition, timestamp, ...recordOf(record) };
      const result = await cluster.asClient('fresh', async (io) => {
        const producer = new Producer({ bootstrapServers, deliveryTimeoutMs: 60_000 }, io);
        try {
          return (await producer.send(sent)).offset;
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error;
          return error;
        } finally {
          await producer.close();
        }
      });
      if (result instanceof KafkaError) {
        assert(isOffline, `${log.name} takes no records: ${result.message}`);
        continue;
      }
      assert(!isOffline, `${log.name} takes records, and is not to be read`);
      this.#fresh.set(`${log.name}@${result}`, sent.key.toString());
      const { endFloor } = log;
      const isBehind = result >= endFloor;
      assert(isBehind, `${log.name} gives offset ${result} away again: ${endFloor} was reached`);
    }
  }

  /** Every whole batch is still in some file. */
  #assertKept({ damaged, directories }: DamagedTree): void {
    const after = everyBatch(this.files, directories);
    for (const { topic, segments, isBetween } of storedLogs(damaged, directories).values()) {
      if (!this.#load.topicIds.has(topic) || isBetween) continue;
      for (const { path, bytes } of segments) {
        for (const key of batchesIn(bytes)) {
          const what = `a batch of ${path} (offset, size, CRC: ${key})`;
          assert(after.has(key), `${what} is in no file any more`);
        }
      }
    }
  }
}

function isTreeChanged(tree: DamagedTree, path: string): boolean {
  const textOf = (files: FileSystem): string => {
    const parts: string[] = [];
    for (const [name, { content }] of files.files(path)) {
      const bytes = Buffer.alloc(content.sizeBytes);
      content.read(bytes, 0);
      parts.push(`${name} ${bytes.toString('latin1')}`);
    }
    return parts.join('\n');
  };
  return textOf(tree.before) !== textOf(tree.damaged);
}

function assertNoDuplicates(log: DamagedLog, read: RawRead): void {
  const seen = new Map<string, number>();
  for (const [offset, bytes] of read.batches) {
    const header = readBatchHeader(bytes, 0);
    for (const record of decodeRecords(bytes, header)) {
      const name = record.key?.toString() ?? '';
      const first = seen.get(name);
      assert(first === undefined, `${log.name} has "${name}" at ${first} and ${offset}`);
      seen.set(name, offset);
    }
  }
}
