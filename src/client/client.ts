// What producer, consumer and admin share: connections, metadata and the way a request finds its
// broker (any, the controller, the leader of a partition, a node), with retries and pauses.
//
// Invariants: there is one metadata request under way at most, and it asks for every topic that
// anybody wants; retriable errors are repeated until the deadline, then the last one is thrown.

import { pushAll } from '../base/push-all.ts';
import type { Io, Log } from '../io/index.ts';
import { IoError, TlsError } from '../io/index.ts';
import type { ClientConnection, RequestOptions } from '../network/index.ts';
import {
  type Api,
  ErrorCode,
  errorMessage,
  KafkaError,
  metadata,
  type RequestInput,
  type ResponseOf,
  withPlace,
} from '../protocol/index.ts';
import { Backoff } from './backoff.ts';
import { BrokerConnections } from './broker-connections.ts';
import { Work } from './client-io.ts';
import { clientLog } from './client-log.ts';
import {
  type BootstrapAddress,
  type ClientOptions,
  type ResolvedClientOptions,
  resolveClientOptions,
} from './client-options.ts';
import { MetadataCache, type TopicMetadata } from './metadata-cache.ts';
import {
  type ClientKind,
  type ClientMetric,
  type MetricGroup,
  NetworkMeter,
  readMetrics,
} from './metrics/index.ts';
import type { SharedParts } from './shared-parts.ts';

/** How long a call may take. */
export interface CallOptions {
  /** The time for all attempts together, in milliseconds. Default: defaultApiTimeoutMs. */
  readonly timeoutMs?: number | undefined;
}

export interface Attempt {
  /** The time that is left, at most requestTimeoutMs. */
  readonly timeoutMs: number;
  /** Refreshes metadata before the next attempt. */
  staleMetadata: boolean;
  /** A pause before the next attempt that is not to grow; null: the backoff's. */
  pauseMs: number | null;
}

export class Client {
  readonly io: Io;
  readonly options: ResolvedClientOptions;
  readonly cache: MetadataCache;
  /** What the program waits for. */
  readonly work: Work;
  readonly log: Log;
  readonly backoff: Backoff;
  readonly meter: NetworkMeter;
  readonly #ownsConnections: boolean;
  readonly #startedAtMs: number;
  readonly #connections: BrokerConnections;
  /** Since when every refresh has failed; null: the last one has not. */
  #failingSinceMs: number | null = null;
  readonly #wanted = new Set<string>();
  readonly #mayCreate: boolean;
  /** Called after every metadata answer, with whether it was about all topics. */
  onRefreshed: (isForAll: boolean) => void = () => {};
  #wantsAll = false;
  #refreshing: Promise<void> | null = null;
  /** Whether the refresh under way asks for all that is wanted now. */
  #refreshIsComplete = false;
  #closed = false;

  /** `createsTopics`: let metadata requests create topics if the broker's configuration does so. */
  constructor(io: Io, options: ClientOptions, createsTopics: boolean, shared?: SharedParts) {
    this.io = io;
    this.options = resolveClientOptions(options);
    this.log = clientLog(io.clock, io.log, options.logger).child('client');
    this.cache = shared?.cache ?? new MetadataCache();
    this.meter = shared?.meter ?? new NetworkMeter();
    this.work = new Work(options.keepAlive ?? true);
    this.#startedAtMs = io.clock.now();
    const { retryBackoffMs, retryBackoffMaxMs } = this.options;
    this.backoff = new Backoff(io.random, retryBackoffMs, retryBackoffMaxMs);
    this.#ownsConnections = shared?.connections === undefined;
    this.#connections = shared?.connections ?? new BrokerConnections(io, this.options, this.meter);
    this.#mayCreate = createsTopics;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.work.end();
    if (this.#ownsConnections) this.#connections.close();
  }

  /** How old the metadata are. */
  get metadataAgeMs(): number {
    return this.io.clock.monotonic() - this.cache.refreshedAtMs;
  }

  /** Every metric now: those of the connections, and `groups`. */
  readMetrics(kind: ClientKind, groups: readonly MetricGroup[] = []): ClientMetric[] {
    const { clientId } = this.options;
    const client = { clientId, startedAtMs: this.#startedAtMs };
    return readMetrics(kind, client, this.meter, groups, this.io.clock.monotonic());
  }

  /** From now on metadata requests ask for this topic too. True if it was not wanted before. */
  wantTopic(topic: string): boolean {
    if (this.#wanted.has(topic)) return false;
    this.#wanted.add(topic);
    this.#refreshIsComplete = false;
    return true;
  }

  /** From now on metadata requests ask for all topics there are, or not any more. */
  wantAllTopics(isWanted: boolean): void {
    if (isWanted && !this.#wantsAll) this.#refreshIsComplete = false;
    this.#wantsAll = isWanted;
  }

  /** Whether metadata are due again because of their age; starts the refresh if so. */
  maybeRefresh(): void {
    const ageMs = this.io.clock.monotonic() - this.cache.refreshedAtMs;
    if (ageMs > this.options.metadataMaxAgeMs) this.refreshInBackground();
  }

  /** Starts a refresh unless one is under way; a failure is logged, the next use tries again. */
  refreshInBackground(): void {
    if (this.#refreshing !== null || this.#closed) return;
    this.refresh().catch((error: unknown) => {
      if (!this.#closed) this.log.warn('metadata refresh failed', { error: messageOf(error) });
    });
  }

  /**
   * Fetches metadata of all wanted topics from any broker that answers: every known node and then
   * every bootstrap server is tried once. Joins a refresh that asks for the same topics.
   */
  async refresh(): Promise<void> {
    while (this.#refreshing !== null) {
      const isEnough = this.#refreshIsComplete;
      await this.#refreshing;
      if (isEnough) return;
    }
    this.#refreshIsComplete = true;
    this.#refreshing = this.#refreshOrForget().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  /** A topic that is known now and usable, or undefined. */
  topic(name: string): TopicMetadata | undefined {
    const topic = this.cache.topic(name);
    return topic !== undefined && topic.errorCode === 0 ? topic : undefined;
  }

  /**
   * Waits until the topic is known. Throws the topic's own error if it is final
   * (INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED) or the time is up.
   */
  async awaitTopic(name: string, timeoutMs: number): Promise<TopicMetadata> {
    this.wantTopic(name);
    return this.retry(
      async () => {
        const known = this.topic(name);
        if (known !== undefined) return known;
        await this.refresh();
        const topic = this.cache.topic(name);
        if (topic === undefined) {
          throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `no metadata of topic ${name} yet`);
        }
        if (topic.errorCode === 0) return topic;
        throw KafkaError.fromCode(
          topic.errorCode,
          `topic ${name}: ${errorMessage(topic.errorCode)}`,
        );
      },
      { timeoutMs },
    );
  }

  /** The connection to a node if there is one now, without waiting. */
  readyConnection(nodeId: number): ClientConnection | null {
    const node = this.cache.nodes.get(nodeId);
    return node === undefined ? null : this.#connections.ready(node);
  }

  /** @throws UnknownBroker if newer metadata may have what these do not */
  async connectionTo(nodeId: number): Promise<ClientConnection> {
    const node = this.cache.nodes.get(nodeId);
    if (node === undefined) throw new UnknownBroker(nodeId);
    return this.#connections.get(node);
  }

  /** A connection to any broker: one that is open already, else the first that answers. */
  async anyConnection(): Promise<ClientConnection> {
    const addresses: BootstrapAddress[] = [...this.cache.nodes.values()];
    for (let i = addresses.length - 1; i > 0; i--) {
      const j = this.io.random.int(i + 1);
      const kept = addresses[i] as BootstrapAddress;
      addresses[i] = addresses[j] as BootstrapAddress;
      addresses[j] = kept;
    }
    const { bootstrap, metadataRecoveryStrategy } = this.options;
    if (addresses.length === 0 || metadataRecoveryStrategy === 'rebootstrap') {
      pushAll(addresses, bootstrap);
    }
    for (const address of addresses) {
      const ready = this.#connections.ready(address);
      if (ready !== null) return ready;
    }
    let failure: unknown = null;
    for (const address of addresses) {
      try {
        return await this.#connections.get(address);
      } catch (error) {
        if (!isRetriableFailure(error)) throw error;
        failure = error;
      }
    }
    const none = new KafkaError('NETWORK_EXCEPTION', `no broker answers: ${messageOf(failure)}`);
    none.cause = failure;
    throw none;
  }

  async requestTo<A extends Api>(
    nodeId: number,
    api: A,
    body: RequestInput<A>,
    options?: RequestOptions,
  ): Promise<ResponseOf<A>> {
    return (await this.connectionTo(nodeId)).request(api, body, options);
  }

  async requestToAny<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options?: RequestOptions,
  ): Promise<ResponseOf<A>> {
    return (await this.anyConnection()).request(api, body, options);
  }

  /** To the controller that metadata name; to any broker if they name none (it forwards). */
  async requestToController<A extends Api>(
    api: A,
    body: RequestInput<A>,
    options?: RequestOptions,
  ): Promise<ResponseOf<A>> {
    if (this.cache.nodes.size === 0) await this.refresh();
    const { controllerId } = this.cache;
    if (!this.cache.nodes.has(controllerId)) return this.requestToAny(api, body, options);
    return this.requestTo(controllerId, api, body, options);
  }

  /**
   * Repeats `attempt` with growing pauses while it throws what is worth repeating, until the time
   * is up; then throws the last error.
   */
  retry<T>(attempt: (attempt: Attempt) => Promise<T>, options: CallOptions = {}): Promise<T> {
    return this.work.during(() => this.#retry(attempt, options));
  }

  async #retry<T>(attempt: (attempt: Attempt) => Promise<T>, options: CallOptions): Promise<T> {
    const { clock } = this.io;
    const beganMs = clock.monotonic();
    const deadlineMs = beganMs + (options.timeoutMs ?? this.options.defaultApiTimeoutMs);
    for (let failures = 1; ; failures++) {
      const leftMs = deadlineMs - clock.monotonic();
      const state: Attempt = {
        timeoutMs: Math.max(1, Math.min(leftMs, this.options.requestTimeoutMs)),
        staleMetadata: false,
        pauseMs: null,
      };
      try {
        return await attempt(state);
      } catch (error) {
        if (this.#closed || !isRetriableFailure(error)) throw error;
        const pauseMs = state.pauseMs ?? this.backoff.delayMs(failures);
        if (clock.monotonic() + pauseMs >= deadlineMs) {
          const elapsedMs = Math.round(clock.monotonic() - beganMs);
          throw 'attempts' in error ? error : withPlace(error, { attempts: failures, elapsedMs });
        }
        this.log.debug('will retry', { error: messageOf(error), failures });
        await clock.sleep(pauseMs);
        const isStale = state.staleMetadata || error instanceof UnknownBroker;
        if (isStale || !(error instanceof KafkaError)) this.refreshInBackground();
      }
    }
  }

  /** Nodes of which none has answered for so long are asked no more (KIP-1102). */
  async #refreshOrForget(): Promise<void> {
    try {
      await this.#refreshOnce();
      this.#failingSinceMs = null;
    } catch (error) {
      const nowMs = this.io.clock.monotonic();
      this.#failingSinceMs ??= nowMs;
      const { metadataRecoveryStrategy, metadataRecoveryRebootstrapTriggerMs } = this.options;
      const isRequired = error instanceof KafkaError && error.errorName === 'REBOOTSTRAP_REQUIRED';
      const isLong = nowMs - this.#failingSinceMs >= metadataRecoveryRebootstrapTriggerMs;
      if (metadataRecoveryStrategy === 'rebootstrap' && (isRequired || isLong)) {
        this.log.warn('begins again with bootstrapServers', { error: messageOf(error) });
        this.cache.forgetNodes();
        this.#failingSinceMs = null;
      }
      throw error;
    }
  }

  async #refreshOnce(): Promise<void> {
    const isForAll = this.#wantsAll;
    const wanted = [...this.#wanted].map((name) => ({ name }));
    const connection = await this.anyConnection();
    // Version 0 has no way to ask for brokers only: its empty list means all topics.
    const all = connection.versionOf(metadata) === 0 ? [] : null;
    const response = await connection.request(metadata, {
      topics: isForAll ? all : wanted,
      allowAutoTopicCreation: this.#mayCreate && !isForAll,
    });
    if (this.#closed) return;
    if (response.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(response.errorCode);
    this.cache.replay(response, isForAll);
    this.cache.refreshedAtMs = this.io.clock.monotonic();
    this.onRefreshed(isForAll);
  }
}

/**
 * The metadata name no such broker: it has left them, or has been named by somebody whose metadata
 * are newer. Kafka's clients ask for metadata, and again, for as long as a request may take.
 */
class UnknownBroker extends KafkaError {
  constructor(nodeId: number) {
    super('NETWORK_EXCEPTION', `broker ${nodeId} is not in the metadata`);
  }
}

/** Errors of the system and of the network are worth another attempt, like retriable codes. */
export function isRetriableFailure(error: unknown): error is KafkaError | IoError {
  if (error instanceof KafkaError) {
    return error.retriable || error.errorName === 'REBOOTSTRAP_REQUIRED';
  }
  return error instanceof IoError && !(error instanceof TlsError);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
