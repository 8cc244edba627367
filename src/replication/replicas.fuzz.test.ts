// Random images (topics created, deleted, made anew and grown, partitions that change leaders and
// move) with slow, failing and refusing folder work. When all is quiet, what is here is compared
// with what the newest image says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate } from '../../sim/index.ts';
import { FollowerBroker, nodeId } from '../../tests/doubles/replication/follower-broker.ts';
import { type Published, TopicHistory } from '../../tests/doubles/replication/topic-history.ts';
import { Prng } from '../base/prng.ts';
import { type Io, IoError } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { LogDirectory } from '../storage/index.ts';

const paths = ['/a', '/b', '/c'] as const;
const names = ['p', 'q', 'r'] as const;
const stepCount = 60;

class Churn {
  readonly #io: Io;
  readonly #process: SimProcess;
  readonly #random: Prng;
  readonly #topics = new TopicHistory(nodeId);
  readonly #published: Published[] = [];
  readonly broker: FollowerBroker;
  #lost: string | null = null;

  constructor(io: Io, process: SimProcess, parts: { random: Prng; broker: FollowerBroker }) {
    this.#io = io;
    this.#process = process;
    this.#random = parts.random;
    this.broker = parts.broker;
  }

  async run(): Promise<void> {
    for (let i = 0; i < stepCount; i++) {
      this.#publish();
      this.#disturb();
      const pauseMs = this.#random.pick([0, 0, 0.2, 1, 5, 200]);
      if (pauseMs > 0) await this.#io.clock.sleep(pauseMs);
    }
    this.broker.follow(this.#published.at(-1) as Published);
    this.#process.host.thaw();
    this.#process.disk.filesOpenMax = Number.POSITIVE_INFINITY;
    await this.#io.clock.sleep(300_000);
    await this.broker.replicas.settled();
  }

  /** The planted bug: an image of long ago passes for the newest. */
  followOutdated(): void {
    const old = this.#published[Math.floor(this.#published.length / 2)] as Published;
    const offset = this.#topics.image.offset + 1;
    this.broker.follow({ ...old, image: Object.assign(Object.create(old.image), { offset }) });
  }

  #publish(): void {
    const name = this.#random.pick(names);
    const partitions = this.#topics.image.topic(name)?.partitions ?? [];
    const leader = nodeId + this.#random.int(2);
    const kind = this.#random.int(6);
    if (partitions.length === 0) this.#follow(this.#topics.create(name, [leader, nodeId]));
    else if (kind <= 1) this.#follow(this.#topics.delete(name));
    else if (kind === 2) this.#follow(this.#topics.grow(name, leader));
    else this.#follow(this.#topics.lead(name, this.#random.int(partitions.length), leader));
  }

  /** Some images are lost on the way, and some that came before come again. */
  #follow(published: Published): void {
    this.#published.push(published);
    if (this.#random.chance(0.9)) this.broker.follow(published);
    if (this.#random.chance(0.2)) this.broker.follow(this.#random.pick(this.#published));
  }

  #disturb(): void {
    const { host, disk } = this.#process;
    const kind = this.#random.int(16);
    if (kind === 0) this.#freeze();
    else if (kind <= 2) host.thaw();
    else if (kind === 3) disk.filesOpenMax = disk.filesOpenCount + this.#random.int(4);
    else if (kind === 4) disk.filesOpenMax = Number.POSITIVE_INFINITY;
    else if (kind === 5) disk.atOperation(this.#random.int(4), refuse);
    else if (kind === 6 && this.#random.chance(0.15)) this.#lose();
    else if (kind <= 8) this.#move();
  }

  #freeze(): void {
    const path = this.#random.pick(paths);
    if (!this.#process.host.isFrozen(path)) this.#process.host.freezeTree(path);
  }

  #lose(): void {
    if (this.#lost !== null) return;
    this.#lost = this.#random.pick(paths);
    this.broker.fail(this.#lost);
  }

  #move(): void {
    const index = this.#random.int(3);
    const moving = this.broker.replicas.moves.move(
      this.#random.pick(names),
      index,
      this.#random.pick(paths),
    );
    moving.catch((error: unknown) => assert.ok(error instanceof KafkaError));
  }

  /** What is wrong with what is here. */
  differences(): string[] {
    const { replicas } = this.broker;
    const wrong: string[] = [];
    const expected = new Map<string, Set<string>>(paths.map((path) => [path, new Set()]));
    let count = 0;
    for (const topic of this.#topics.image.topics()) {
      for (const [index, state] of topic.partitions.entries()) {
        const name = `${topic.name}-${index}`;
        const partition = replicas.getById(topic.id, index);
        if (partition === undefined) {
          wrong.push(`${name} is not here`);
          continue;
        }
        count++;
        const place = this.broker.placeOf(topic.name, index) as string;
        expected.get(place)?.add(`${name} ${topic.id}`);
        const role = state.leader === nodeId ? 'leader' : 'follower';
        const wanted = `${place === this.#lost ? 'offline' : role} ${state.leaderEpoch}`;
        const is = `${partition.role} ${partition.leaderEpoch}`;
        // What went offline follows no more.
        const isSame = place === this.#lost ? partition.role === 'offline' : is === wanted;
        if (!isSame) wrong.push(`${name} is ${is}, not ${wanted}`);
        if (replicas.get(topic.name, index) !== partition) wrong.push(`${name} by its name`);
      }
    }
    if ([...replicas.all()].length !== count) wrong.push('there are partitions of no topic');
    for (const directory of this.broker.directories) {
      if (directory.path === this.#lost) continue;
      wrong.push(...this.#foldersDiffer(directory, expected.get(directory.path)));
    }
    return wrong;
  }

  #foldersDiffer(directory: LogDirectory, expected: ReadonlySet<string> = new Set()): string[] {
    const { disk } = this.#io;
    const { path } = directory;
    const open = Array.from(directory.logs(), ({ topic, partition }) => {
      return `${topic}-${partition} ${directory.topicId(topic, partition)}`;
    });
    const wanted = [...expected];
    const wrong =
      open.sort().join() === wanted.sort().join() ? [] : [`${path} has ${open}, not ${wanted}`];
    // Folders of ours that were refused when they were to go are left for the next start.
    for (const log of directory.logs()) {
      const metadata = disk.readFile(`${log.directory}/partition.metadata`)?.toString() ?? '';
      const topicId = directory.topicId(log.topic, log.partition);
      if (!metadata.endsWith(`topic_id: ${topicId}`)) wrong.push(`${log.directory}: ${metadata}`);
    }
    for (const { name } of disk.list(path)) {
      if (name.endsWith('-delete')) wrong.push(`${path}/${name} is left`);
    }
    return wrong;
  }
}

function refuse(): void {
  throw new IoError('ENOSPC', 'no space left on device (ENOSPC)');
}

async function churn(seed: number, isBugPlanted = false): Promise<string[]> {
  return await simulate(
    async (io, process) => {
      const options = { moveBytesPerSecondMax: () => 1_000_000 };
      const broker = await FollowerBroker.open(io, paths, options);
      const random = new Prng(`churn ${seed}`);
      const run = new Churn(io, process, { random, broker });
      await run.run();
      if (isBugPlanted) run.followOutdated();
      const wrong = run.differences();
      wrong.push(...broker.failures.map(({ message }) => message));
      await broker.close();
      return wrong;
    },
    { seed },
  );
}

test('after any images and any trouble, what is here is what the newest image says', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    assert.deepEqual(await churn(seed), [], `seed ${seed}`);
  }
});

test('an old image that is followed is noticed', async () => {
  let noticed = 0;
  for (let seed = 1; seed <= 10; seed++) noticed += (await churn(seed, true)).length > 0 ? 1 : 0;
  assert.ok(noticed >= 5, `${noticed} of 10`);
});
