// Plays sequences of produce requests to Apache Kafka and to ours, restarts both between phases,
// and says where the answers part. What comes behind a difference proves nothing, so that a
// sequence ends there, but for the last look of ours: whatever it acknowledged it must hold.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import { createTopics, errorName, findCoordinator } from '../../../src/protocol/index.ts';
import type { Product, ServerProcess } from '../kafka-files/server-process.ts';
import { intendedDifference, type Moment } from './intended-differences.ts';
import { Side } from './side.ts';
import { partitions, type RestartKind, type Sequence, type Step } from './steps.ts';

export type Servers = Readonly<Record<Product, ServerProcess>>;

export const products = ['kafka', 'partita'] as const;

/** What was played of a sequence, and what came of it. */
interface Play {
  readonly sequence: Sequence;
  readonly sides: Readonly<Record<Product, Side>>;
  readonly played: (Step | RestartKind)[];
  difference: string | null;
  /** Nothing more of it is played. */
  isOver: boolean;
}

const atOnce = 6;
/** Until the start offsets of logs are in their file, from which a killed broker takes them. */
const checkpointMs = 700;

export class Judge {
  readonly #io: Io;
  readonly #servers: Servers;
  readonly #startMs: number;
  #topics = 0;
  #restarts = 0;

  constructor(io: Io, servers: Servers) {
    this.#io = io;
    this.#servers = servers;
    this.#startMs = Math.floor(io.clock.now() / 1000) * 1000 - 3_600_000;
  }

  /** The differences that nobody intends, and what ours has lost. */
  async play(sequences: readonly Sequence[], restarts: readonly RestartKind[]): Promise<string[]> {
    this.#restarts = 0;
    const plays = await inParallel(sequences, (sequence) => this.#begin(sequence));
    for (let phase = 0; phase <= restarts.length; phase++) {
      if (phase > 0) await this.#restart(restarts[phase - 1] as RestartKind, plays);
      await inParallel(plays, async (play) => {
        for (const step of play.sequence.phases[phase] ?? []) {
          if (!play.isOver) await this.#step(play, step);
        }
      });
    }
    const found = await inParallel(plays, (play) => this.#end(play));
    return found.filter((each) => each !== null);
  }

  async #step(play: Play, step: Step): Promise<void> {
    const { kafka: kafkaSide, partita } = play.sides;
    const [kafka, ours] = await Promise.all([kafkaSide.play(step), partita.play(step)]);
    play.played.push(step);
    this.#compare(play, { step, kafka, ours });
  }

  #compare(play: Play, moment: Pick<Moment, 'step' | 'kafka' | 'ours'>): void {
    const { step, kafka, ours } = moment;
    if (kafka === ours) return;
    const hasDeleted = play.played.some(
      (each) => typeof each === 'object' && each.kind === 'delete',
    );
    const intended = intendedDifference({ ...moment, restarts: this.#restarts, hasDeleted });
    if (intended?.endsSequence) play.isOver = true;
    if (intended !== null) return;
    play.isOver = true;
    play.difference = `${step === null ? 'at the end\n' : ''}Kafka ${kafka}\nours  ${ours}`;
  }

  async #end(play: Play): Promise<string | null> {
    const { kafka: kafkaSide, partita } = play.sides;
    if (!play.isOver) {
      const [kafka, ours] = await Promise.all([kafkaSide.look(), partita.look()]);
      this.#compare(play, { step: null, kafka, ours });
    }
    const lost = await partita.lost();
    for (const side of Object.values(play.sides)) side.close();
    if (lost === null && play.difference === null) return null;
    const lines = play.played.map((each) => `  ${JSON.stringify(each)}`).join('\n');
    return `seed ${play.sequence.seed}\n${lines}\n${play.difference ?? ''}\n${lost ?? ''}`;
  }

  async #restart(kind: RestartKind, plays: readonly Play[]): Promise<void> {
    for (const { sides, played, isOver } of plays) {
      for (const side of Object.values(sides)) side.close();
      if (!isOver) played.push(kind);
    }
    await this.#io.clock.sleep(checkpointMs);
    const signal = kind === 'stop' ? 'SIGTERM' : 'SIGKILL';
    await Promise.all(
      products.map(async (product) => {
        await this.#servers[product].stop(signal);
        await this.#servers[product].start(product);
      }),
    );
    this.#restarts++;
  }

  async #begin(sequence: Sequence): Promise<Play> {
    const topic = `rules-${this.#topics++}`;
    const [kafka, partita] = await Promise.all(
      products.map((product) => this.#side(product, topic, sequence)),
    );
    assert.ok(kafka !== undefined && partita !== undefined);
    return { sequence, sides: { kafka, partita }, played: [], difference: null, isOver: false };
  }

  async #side(product: Product, topic: string, { segmentMs }: Sequence): Promise<Side> {
    const { port } = this.#servers[product];
    const address = { host: '127.0.0.1', port, clientId: 'rules' };
    const connection = await ClientConnection.connect(this.#io, address);
    // The coordinators of transactions come with the first question for one.
    for (const body = { keyType: 1, coordinatorKeys: [topic] }; ; await this.#io.clock.sleep(50)) {
      const found = await connection.request(findCoordinator, body, { versionMax: 4 });
      if (found.coordinators[0]?.errorCode === 0) break;
    }
    const configs = Object.entries({
      ...{ 'segment.ms': String(segmentMs), 'max.message.bytes': '2000' },
      ...{ 'segment.jitter.ms': '0', 'file.delete.delay.ms': '1000' },
    }).map(([name, value]) => ({ name, value }));
    const asked = { name: topic, numPartitions: partitions.length, replicationFactor: 1 };
    const topics = [{ ...asked, assignments: [], configs }];
    const made = await connection.request(createTopics, {
      ...{ topics, timeoutMs: 10_000, validateOnly: false },
    });
    connection.close();
    const [answer] = made.topics;
    assert.equal(errorName(answer?.errorCode ?? -1), 'NONE');
    const topicId = answer?.topicId as string;
    return new Side(this.#io, { port, topic, topicId, startMs: this.#startMs });
  }
}

/** In order of the items; a few at once. */
async function inParallel<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await run(items[at] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
