// Runs of a consumer: the work runner, loaded by the first, and what it gets of the consumer: polls
// of bytes, partitions that rest apart from `pause`, commits, and a producer of its own, made late,
// for records that have failed.

import type { Io } from '../../io/index.ts';
import type { Client } from '../client.ts';
import type { ClientOptions } from '../client-options.ts';
import { IllegalStateError } from '../errors.ts';
import type {
  RawRecord,
  RunBatchOptions,
  RunnerPort,
  RunOptions,
  StopOptions,
  WorkRunner,
} from '../runner/index.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerOptions,
  consumerOptionNames,
  type ResolvedConsumerOptions,
} from './consumer-options.ts';
import type { Fetcher } from './fetcher.ts';
import type { Polling } from './polling.ts';

export interface RunPortParts {
  readonly io: Io;
  readonly given: ConsumerOptions;
  readonly options: ResolvedConsumerOptions;
  readonly client: Client;
  readonly fetcher: Fetcher;
  readonly group: ConsumerGroup;
  readonly polling: Polling;
  decode(record: RawRecord): unknown;
  unsubscribe(): Promise<void>;
}

export class ConsumerRuns {
  readonly #parts: RunPortParts;
  #runner: Promise<WorkRunner> | null = null;

  constructor(parts: RunPortParts) {
    this.#parts = parts;
  }

  async run<R>(options: RunOptions<R> | RunBatchOptions<R>): Promise<void> {
    const { group, fetcher } = this.#parts;
    if (this.#runner !== null) throw new IllegalStateError('a run is under way: stop it first');
    if (group.subscription === null && [...fetcher.partitions].length === 0) {
      throw new IllegalStateError('nothing to run on: subscribe to topics before run');
    }
    const runner = this.#create(options as RunOptions<unknown>);
    this.#runner = runner;
    try {
      await (await runner).run();
    } finally {
      this.#runner = null;
    }
  }

  async stop(options: StopOptions): Promise<void> {
    await (await this.#runner)?.stop(options);
  }

  async #create(options: RunOptions<unknown>): Promise<WorkRunner> {
    const { WorkRunner } = await import('../runner/index.ts');
    return new WorkRunner(createRunnerPort(this.#parts), options);
  }
}

function createRunnerPort(parts: RunPortParts): RunnerPort {
  const { io, client, fetcher, group, options, polling } = parts;
  return {
    io,
    log: client.log,
    clientId: client.options.clientId,
    groupId: group.groupId,
    maxPollIntervalMs: options.maxPollIntervalMs,
    requestTimeoutMs: client.options.requestTimeoutMs,
    poll: (maxWaitMs) => polling.poll(maxWaitMs),
    endPoll: () => polling.end('return'),
    assignment: () => [...fetcher.partitions],
    hold: (place, isHeld) => {
      const partition = fetcher.partition(place);
      if (partition === undefined || partition.isHeld === isHeld) return;
      partition.isHeld = isHeld;
      if (isHeld) return;
      fetcher.pump();
      polling.onNews();
    },
    position: (place) => fetcher.partition(place)?.position ?? null,
    seek: (place, offset) => {
      fetcher.partition(place)?.seek(offset);
      fetcher.pump();
    },
    committedPosition: (place) => {
      return fetcher.partition(place)?.beganAt ?? { offset: 0, metadata: '' };
    },
    commit: (offsets, timeoutMs) => group.commit(offsets, { timeoutMs }),
    setHolder: (holder) => group.setHolder(holder),
    subscribedTopics: () => {
      const { subscription } = group;
      const isNamed = subscription?.isExpression === false && subscription.pattern === null;
      return isNamed ? subscription.topics : null;
    },
    subscribeToo: (topics) => {
      const { subscription } = group;
      if (subscription === null) return;
      group.subscribe([...subscription.topics, ...topics], subscription.listener);
    },
    leave: () => parts.unsubscribe(),
    decode: (record) => parts.decode(record),
    openOutlet: async () => {
      const { Producer } = await import('../producer/index.ts');
      return new Producer(connectionOptions(parts.given), io);
    },
  };
}

/** Those of every client: a producer refuses what only a consumer has. */
function connectionOptions(given: ConsumerOptions): ClientOptions {
  const shared = Object.entries(given).filter(([name]) => !consumerOptionNames.has(name));
  return Object.fromEntries(shared) as unknown as ClientOptions;
}
