// Sequences of requests about transactions, made from a seed. A step names producers, topics and
// groups by the part they play; who plays it (producer ids, epochs, sequence numbers) each side
// fills in from what its own broker has handed out (side.ts).
//
// Most steps go on as a producer would, so that sequences get somewhere; the others are as wrong
// as a producer can be that is late, fenced, restored from a backup or simply broken.

import { Prng } from '../../../src/base/prng.ts';

/** Two transactional ids, one that nobody ever initializes, and an idempotent producer. */
export type Actor = 'one' | 'two' | 'stranger' | 'plain';

/** What a request says of its producer, from what the actor was handed out. */
export type Claim =
  | 'current'
  | 'previous'
  | 'bumped'
  | 'ahead'
  | 'behind'
  | 'foreign'
  | 'unknown'
  | 'no epoch'
  | 'none';

export type TopicName = 'a' | 'b' | 'missing' | '__consumer_offsets' | '__transaction_state';
export type GroupName = 'simple' | 'classic' | 'consumer' | '';
export type Membership = 'none' | 'right' | 'unknown' | 'old' | 'ahead' | 'nameless';

export interface TopicPartitions {
  readonly topic: TopicName;
  readonly partitions: readonly number[];
}

export interface Producer {
  readonly actor: Actor;
  readonly claim: Claim;
}

export interface Addition extends Producer {
  readonly topics: readonly TopicPartitions[];
  readonly verifyOnly: boolean;
}

/** Where a batch goes on, seen from the last sequence that the producer's epoch has here. */
export type Sequence = 'next' | 'gap' | 'again' | 'overlap' | 'zero' | 'none';

export interface Batch {
  readonly topic: TopicName;
  readonly partition: number;
  readonly count: number;
  readonly sequence: Sequence;
  readonly isTransactional: boolean;
  readonly isControl?: boolean;
  /** The batch's own, where a request has several. */
  readonly producer?: Producer;
}

export type Step =
  | (Producer & { kind: 'init'; version: number; timeoutMs: number })
  | { kind: 'add'; version: number; transactions: readonly Addition[] }
  | (Producer & { kind: 'add offsets'; version: number; group: GroupName })
  | (Producer & {
      kind: 'commit offsets';
      version: number;
      group: GroupName;
      membership: Membership;
      topics: readonly TopicPartitions[];
      offset: number;
    })
  | (Producer & {
      kind: 'produce';
      version: number;
      transactionalId: Actor | null;
      acks: number;
      batches: readonly Batch[];
    })
  | (Producer & { kind: 'end'; version: number; isCommit: boolean; isEager: boolean })
  | (Producer & {
      kind: 'mark';
      version: number;
      isCommit: boolean;
      coordinatorEpoch: number;
      transactionVersion: number;
      topics: readonly TopicPartitions[];
    })
  | (Producer & { kind: 'time out'; version: number; batch: Batch })
  | {
      kind: 'list';
      version: number;
      states: readonly string[];
      of: readonly Actor[];
      durationMs: number;
      pattern: string | null;
    }
  | { kind: 'describe'; actors: readonly Actor[] }
  | { kind: 'producers'; topics: readonly TopicPartitions[] }
  | {
      kind: 'fetch';
      version: number;
      isolationLevel: number;
      topics: readonly TopicPartitions[];
      offset: number;
    }
  | {
      kind: 'list offsets';
      version: number;
      isolationLevel: number;
      topics: readonly TopicPartitions[];
      /** Below zero as the protocol has it, else counted in records that were made. */
      timestamp: number;
    }
  | { kind: 'fetch offsets'; version: number; group: GroupName; requireStable: boolean }
  | { kind: 'find'; version: number; keyType: number; key: Actor | '' };

export type Kind = Step['kind'];

type StepOf<K extends Kind> = Extract<Step, { kind: K }>;

const actors: readonly Actor[] = ['one', 'two', 'stranger', 'plain'];
const shortMs = 1000;

/**
 * The same seed makes the same steps.
 * @param level of transaction.version: at 0 the second protocol is spoken once, at the end, for a
 * Kafka that has refused it answers CONCURRENT_TRANSACTIONS ever after
 */
export function stepsOf(seed: string, level: number): Step[] {
  return new Generator(new Prng(seed), level).steps();
}

/** The last look at everything. */
export const finalSteps: readonly Step[] = [
  { kind: 'describe', actors: ['one', 'two'] },
  ...([0, 1] as const).flatMap((isolationLevel): Step[] => [
    { kind: 'fetch', version: 16, isolationLevel, topics: everything(), offset: 0 },
    { kind: 'list offsets', version: 9, isolationLevel, topics: everything(), timestamp: -1 },
  ]),
  { kind: 'producers', topics: everything() },
  ...(['simple', 'classic', 'consumer'] as const).map(
    (group): Step => ({ kind: 'fetch offsets', version: 9, group, requireStable: true }),
  ),
];

export function everything(): TopicPartitions[] {
  return [
    { topic: 'a', partitions: [0, 1] },
    { topic: 'b', partitions: [0] },
  ];
}

function isOfSomething({ partitions }: TopicPartitions): boolean {
  return partitions.length > 0;
}

function distinct({ topic, partitions }: TopicPartitions): TopicPartitions {
  return { topic, partitions: [...new Set(partitions)] };
}

class Generator {
  readonly #prng: Prng;
  readonly #level: number;
  /** Which protocol the producers of the sequence mostly speak. */
  readonly #protocol: 1 | 2;
  /** How often a step is wrong in one thing. */
  readonly #wrong: number;

  constructor(prng: Prng, level: number) {
    this.#prng = prng;
    this.#level = level;
    this.#protocol = level > 0 && prng.chance(0.6) ? 2 : 1;
    this.#wrong = prng.pick([0.02, 0.1, 0.25]);
  }

  steps(): Step[] {
    const steps: Step[] = [this.#init('one', 'none'), this.#init('two', 'none')];
    if (this.#prng.chance(0.5)) steps.push(this.#init('plain', 'none'));
    const count = 15 + this.#prng.int(25);
    while (steps.length < count) steps.push(...this.#some());
    if (this.#level === 0) steps.push(this.#ofSecondProtocol());
    return steps;
  }

  #some(): Step[] {
    const random = this.#prng.float();
    if (random < 0.1) return [this.#init(this.#actor(), this.#initClaim())];
    if (random < 0.24) return [this.#add()];
    if (random < 0.5) return this.#produces();
    if (random < 0.57) return this.#offsets();
    if (random < 0.77) return this.#end();
    if (random < 0.79) return [this.#mark()];
    if (random < 0.81) return [this.#timeOut()];
    return [this.#view()];
  }

  #isWrong(): boolean {
    return this.#prng.chance(this.#wrong);
  }

  #actor(): Actor {
    if (this.#isWrong()) return this.#prng.pick(actors);
    return this.#prng.pick(['one', 'one', 'one', 'two'] as const);
  }

  #claim(): Claim {
    if (!this.#isWrong()) return 'current';
    const claims = ['previous', 'bumped', 'ahead', 'behind', 'foreign', 'unknown'] as const;
    return this.#prng.pick([...claims, ...claims, 'no epoch', 'none']);
  }

  #initClaim(): Claim {
    const claim = this.#prng.pick(['none', 'none', 'current', 'previous'] as const);
    return this.#isWrong() ? this.#claim() : claim;
  }

  /** A version of the protocol that is spoken here, or of another. */
  #version(first: readonly [number, number], second: readonly [number, number]): number {
    const isSecond = (this.#protocol === 2) !== this.#isWrong() && this.#level > 0;
    const [min, max] = isSecond ? second : first;
    return min + this.#prng.int(max - min + 1);
  }

  #init(actor: Actor, claim: Claim): Step {
    const version = claim === 'none' ? this.#prng.int(6) : 3 + this.#prng.int(3);
    const wrongMs = this.#prng.pick([0, -1, 900_001]);
    const timeoutMs = this.#prng.chance(this.#wrong / 3) ? wrongMs : 60_000;
    return { kind: 'init', version, actor, claim, timeoutMs };
  }

  #topics(): TopicPartitions[] {
    const some: TopicPartitions[][] = [
      [{ topic: 'a', partitions: [0] }],
      [{ topic: 'a', partitions: [1] }],
      [{ topic: 'a', partitions: [0, 1] }],
      [{ topic: 'b', partitions: [0] }],
      everything(),
    ];
    if (!this.#isWrong()) return this.#prng.pick(some);
    return this.#prng.pick<TopicPartitions[]>([
      [],
      [{ topic: 'a', partitions: [] }],
      [{ topic: 'a', partitions: [0, 0] }],
      [{ topic: 'a', partitions: [7] }],
      [{ topic: 'a', partitions: [0, 7, -1] }],
      [{ topic: 'missing', partitions: [0] }],
      [
        { topic: 'b', partitions: [0] },
        { topic: 'missing', partitions: [0] },
      ],
      [{ topic: '__consumer_offsets', partitions: [0] }],
      [
        { topic: '__transaction_state', partitions: [0] },
        { topic: 'a', partitions: [0] },
      ],
    ]);
  }

  /** Nothing is named twice, and of each topic some partition. */
  #wanted(): TopicPartitions[] {
    const any = this.#topics().filter(({ topic }) => !topic.startsWith('__'));
    const some = any.filter(isOfSomething).map(distinct);
    return some.length > 0 ? some : [{ topic: 'b', partitions: [0] }];
  }

  #add(): Step {
    const version = this.#version([0, 3], [0, 5]);
    const addition = (): Addition => ({
      actor: this.#actor(),
      claim: this.#claim(),
      topics: version < 4 ? this.#topics() : this.#topics().filter(isOfSomething).map(distinct),
      verifyOnly: version >= 4 && this.#prng.chance(0.4),
    });
    const first = addition();
    const isBatched = version >= 4 && this.#prng.chance(0.4);
    const other = addition();
    const second: Addition = { ...other, actor: first.actor === 'one' ? 'two' : 'one' };
    return { kind: 'add', version, transactions: isBatched ? [first, second] : [first] };
  }

  #sequence(): Sequence {
    if (!this.#prng.chance(0.08 + this.#wrong)) return 'next';
    return this.#prng.pick(['gap', 'gap', 'again', 'again', 'overlap', 'zero', 'none']);
  }

  #batch(isTransactional: boolean): Batch {
    const isWrong = this.#isWrong();
    const wrongTopics = ['a', 'b', 'missing'] as const;
    return {
      topic: isWrong ? this.#prng.pick(wrongTopics) : this.#prng.pick(['a', 'a', 'b'] as const),
      partition: isWrong ? this.#prng.pick([0, 1, 7]) : 0,
      count: 1 + this.#prng.int(3),
      sequence: this.#sequence(),
      isTransactional: isTransactional !== this.#prng.chance(this.#wrong / 2),
      ...(this.#prng.chance(this.#wrong / 6) ? { isControl: true } : {}),
    };
  }

  /** Often several to the same place, for only there sequences can be wrong. */
  #produces(): Step[] {
    const first = this.#produce();
    if (this.#prng.chance(0.5)) return [first];
    const again = (batch: Batch): Batch => ({ ...batch, sequence: this.#sequence() });
    return [first, { ...first, batches: first.batches.map(again) }];
  }

  #produce(): StepOf<'produce'> {
    const actor = this.#actor();
    const isTransactional = actor !== 'plain';
    const batches = [this.#batch(isTransactional)];
    if (this.#prng.chance(0.25)) {
      batches.push({ ...this.#batch(isTransactional), partition: 1 - this.#prng.int(2) });
    }
    if (this.#prng.chance(this.#wrong / 4)) {
      const producer = { actor: this.#actor(), claim: this.#claim() };
      batches.push({ ...this.#batch(isTransactional), producer });
    }
    const own = isTransactional ? actor : null;
    const places = batches.map(({ topic, partition }) => `${topic}-${partition}`);
    return {
      kind: 'produce',
      version: this.#version([3, 11], [12, 13]),
      actor,
      claim: this.#claim(),
      transactionalId: this.#isWrong() ? this.#prng.pick([null, ...actors]) : own,
      acks: this.#prng.pick([-1, -1, -1, 1]),
      batches: batches.filter((_, index) => places.indexOf(places[index] as string) === index),
    };
  }

  #offsets(): Step[] {
    const producer = { actor: this.#actor(), claim: this.#claim() };
    const group = this.#prng.pick(['simple', 'classic', 'consumer'] as const);
    const wrongGroup = this.#isWrong() ? this.#prng.pick(['', group] as const) : group;
    const isMember = group === 'simple' ? 'none' : 'right';
    const wrongs = ['none', 'right', 'unknown', 'old', 'ahead', 'nameless'] as const;
    const membership = this.#isWrong() ? this.#prng.pick(wrongs) : isMember;
    const version = this.#version([membership === 'none' ? 0 : 3, 4], [5, 5]);
    const commit: Step = {
      kind: 'commit offsets',
      ...producer,
      version: membership === 'none' ? version : Math.max(version, 3),
      group: wrongGroup,
      membership,
      topics: this.#wanted(),
      offset: this.#prng.int(1000),
    };
    const adds = commit.version < 5 !== this.#isWrong();
    const add: Step = { ...producer, kind: 'add offsets', version: this.#prng.int(5), group };
    return adds ? [add, commit] : [commit];
  }

  #end(): Step[] {
    const end: StepOf<'end'> = {
      kind: 'end',
      version: this.#version([0, 4], [5, 5]),
      actor: this.#actor(),
      claim: this.#claim(),
      isCommit: this.#prng.chance(0.6),
      isEager: this.#prng.chance(0.25),
    };
    if (end.isEager) return [end, this.#afterEager(end)];
    const retry: Step = { ...end, claim: this.#prng.pick(['current', 'behind', 'previous']) };
    return this.#prng.chance(0.15) ? [end, retry] : [end];
  }

  /** What may come while the markers are being written: its answer settles with them. */
  #afterEager(end: StepOf<'end'>): Step {
    const { actor } = end;
    const current = { actor, claim: 'current' } as const;
    const topics = [{ topic: 'a', partitions: [0] }] as const;
    const transactions = [{ ...current, topics, verifyOnly: false }];
    const some: Step[] = [
      this.#init(actor, this.#prng.pick(['none', 'current'] as const)),
      { ...end, isEager: false, isCommit: end.isCommit !== this.#isWrong() },
      { kind: 'add', version: this.#prng.int(4), transactions },
      { kind: 'add offsets', ...current, version: this.#prng.int(5), group: 'simple' },
    ];
    return this.#prng.pick(some);
  }

  /** Not what Kafka asks its coordinator for others with: they would be refused with it. */
  #ofSecondProtocol(): Step {
    const producer = { actor: 'one', claim: 'current' } as const;
    const topics: TopicPartitions[] = [{ topic: 'a', partitions: [1] }];
    return this.#prng.pick<Step>([
      { ...producer, kind: 'end', version: 5, isCommit: false, isEager: false },
      { kind: 'add', version: 5, transactions: [{ ...producer, topics, verifyOnly: false }] },
    ]);
  }

  #mark(): Step {
    return {
      kind: 'mark',
      version: 1 + this.#prng.int(2),
      actor: this.#actor(),
      claim: this.#prng.pick(['current', 'current', 'behind', 'unknown']),
      isCommit: this.#prng.chance(0.3),
      coordinatorEpoch: this.#prng.pick([0, 0, -1]),
      transactionVersion: this.#prng.pick([0, 1, 2]),
      topics: this.#prng.pick([everything(), everything(), this.#wanted()]),
    };
  }

  #timeOut(): Step {
    const batch: Batch = {
      ...{ topic: 'a', partition: this.#prng.int(2), count: 1 },
      ...{ sequence: 'next', isTransactional: true },
    };
    const version = this.#protocol === 2 ? 12 : 11;
    return { kind: 'time out', actor: this.#actor(), claim: 'none', version, batch };
  }

  #view(): Step {
    const topics = this.#wanted();
    const isolationLevel = this.#prng.int(2);
    switch (this.#prng.int(7)) {
      case 0:
        return this.#list();
      case 1:
        return { kind: 'describe', actors: [this.#prng.pick(actors), this.#prng.pick(actors)] };
      case 2:
        return { kind: 'producers', topics };
      case 3: {
        const timestamp = this.#prng.pick([-1, -2, -3, -4, -5, -6, this.#prng.int(12)]);
        // The first that knows the time that is asked for.
        const versionMin = [2, 2, 2, 7, 8, 9, 11][-timestamp] ?? 2;
        const version = versionMin + this.#prng.int(12 - versionMin);
        return { kind: 'list offsets', version, isolationLevel, topics, timestamp };
      }
      case 4: {
        const group = this.#prng.pick(['simple', 'classic', 'consumer'] as const);
        const version = 1 + this.#prng.int(9);
        const requireStable = version >= 7 && this.#prng.chance(0.6);
        return { kind: 'fetch offsets', version, group, requireStable };
      }
      case 5: {
        const key = this.#prng.pick(['one', 'two', 'stranger', ''] as const);
        const keyType = this.#prng.pick([1, 1, 1, 3]);
        return { kind: 'find', version: 1 + this.#prng.int(6), keyType, key };
      }
      default: {
        const version = 4 + this.#prng.int(14);
        const offset = this.#prng.pick([0, 0, 0, this.#prng.int(12)]);
        return { kind: 'fetch', version, isolationLevel, topics, offset };
      }
    }
  }

  #list(): Step {
    const version = this.#prng.int(3);
    const states = ['Ongoing', 'CompleteCommit', 'CompleteAbort', 'Empty', 'PrepareCommit'];
    const odd = [...states, 'Dead', 'PrepareEpochFence', 'nonsense', 'ongoing', ''];
    const some = (items: readonly string[]) => items.filter(() => this.#prng.chance(0.3));
    const patterns = [null, '.*one', '.*', '', 'one', '.*-(one|two)', '(', 'x*'];
    return {
      kind: 'list',
      version,
      states: this.#isWrong() ? some(odd) : this.#prng.chance(0.5) ? some(states) : [],
      of: actors.filter(() => this.#prng.chance(0.15)),
      durationMs: version >= 1 ? this.#prng.pick([-1, -1, 0, 3_600_000, -5]) : -1,
      pattern: version >= 2 ? this.#prng.pick(patterns) : null,
    };
  }
}

/** Of a step that makes a transaction time out. */
export const timeOutMs = shortMs;
