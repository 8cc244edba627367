// How a cluster knows a broker that is a member of it: by a session with the store, which ends when
// the broker dies; by its registration with the controller, fenced at first; and by heartbeats,
// from which the controller learns that it has caught up.
//
// Invariants: the broker says everything under the epoch of the registration that holds now. A
// session that ends under a living process costs an election at most: it registers again, as the
// same incarnation, until it is closed. Only another process that took its place ends it.

import { Deferred } from '../base/deferred.ts';
import type { Uuid } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import { type Io, IoError, type Log } from '../io/index.ts';
import {
  type BrokerSession,
  type Controller,
  type Endpoint,
  type Metadata,
  type Subscription,
  supportedFeatures,
} from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Replicas } from '../replication/index.ts';
import { endsWithin } from './bounded-wait.ts';
import { BrokerError, otherProcessError } from './broker-error.ts';
import type { Membership } from './cluster.ts';
import type { LogDirectories } from './log-directories.ts';
import { type Registration, reportOffline } from './registration.ts';

export interface MemberRegistrationOptions {
  readonly membership: Membership;
  readonly metadata: Metadata;
  /** Wherever it is. */
  readonly controller: Controller;
  readonly directories: LogDirectories;
  readonly endpoints: readonly Endpoint[];
  /** Another process took this broker's place, or an invariant is broken: it must not go on. */
  readonly onFatal: (error: Error) => void;
}

const retryMsMin = 100;
const retryMsMax = 2_000;
/** Of a stop: so that all brokers that stop at once end within 10 s, with or without the store. */
const handOverMsMax = 3_000;
const leaveMsMax = 1_000;
const noteMsMax = 500;
/** Nothing but time will mend what is said again and again. */
const sayMs = 30_000;
const viewAgeMsMax = 10_000;

/** The controller does not know this registration (any more). */
const notRegistered: readonly string[] = ['STALE_BROKER_EPOCH', 'BROKER_ID_NOT_REGISTERED'];

/** What no retry mends: the operator has to. */
const refusals: readonly string[] = [
  'INCONSISTENT_CLUSTER_ID',
  'INVALID_REGISTRATION',
  'UNSUPPORTED_VERSION',
  'INVALID_REQUEST',
];

export class MemberRegistration implements Registration {
  readonly brokerId: number;
  readonly #io: Io;
  readonly #log: Log;
  readonly #config: BrokerConfig;
  readonly #options: MemberRegistrationOptions;
  readonly #joined = new Deferred<void>();
  #hasJoined = false;
  #session: BrokerSession | null = null;
  /** -1: register. */
  #brokerEpoch = -1;
  /** Of this life; -1 before its first. */
  #lastEpoch = -1;
  #leaving: Promise<number> | null = null;
  #lossCount = 0;
  #isViewOld = false;
  #wantsOut = false;
  /** Failed in this life. */
  #offlineLogDirs: readonly Uuid[] = [];
  readonly #mayGo = new Deferred<void>();
  #images: Subscription | null = null;
  #wake: Deferred<void> | null = null;
  #isClosed = false;
  #retryMs = retryMsMin;
  #beganMs = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(io: Io, config: BrokerConfig, options: MemberRegistrationOptions) {
    this.brokerId = config.nodeId;
    this.#io = io;
    this.#log = io.log.child('registration');
    this.#config = config;
    this.#options = options;
  }

  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  get lastBrokerEpoch(): number {
    return this.#lastEpoch;
  }

  async join(): Promise<void> {
    const { metadata } = this.#options;
    this.#beganMs = this.#io.clock.monotonic();
    // What is waited for shows in the image: that it has the registration, that it is fenced.
    this.#images = metadata.subscribe((_, { brokersChanged }) => {
      if (brokersChanged.has(this.brokerId)) this.#wake?.resolve();
    });
    void this.#run();
    await this.#joined.promise;
  }

  reportOffline(replicas: Replicas): Promise<void> {
    const { opened } = this.#options.directories;
    const failed = opened.filter((directory) => replicas.isFailed(directory));
    this.#offlineLogDirs = failed.map(({ meta }) => meta.directoryId);
    this.#wake?.resolve();
    return reportOffline(this.#options.controller, this, replicas);
  }

  async handOver(): Promise<void> {
    if (!this.#config.get('controlled.shutdown.enable') || this.#isClosed) return;
    this.#wantsOut = true;
    this.#wake?.resolve();
    const isDone = await endsWithin(this.#io.clock, handOverMsMax, this.#mayGo.promise);
    if (!isDone) this.#log.warn('stops before all that it led has another leader');
  }

  leave(): Promise<number> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<number> {
    this.#isClosed = true;
    this.#images?.close();
    this.#wake?.resolve();
    const ended = this.#session?.close() ?? Promise.resolve();
    this.#session = null;
    try {
      await endsWithin(this.#io.clock, leaveMsMax, ended);
    } catch (error) {
      // It ends by itself, later.
      if (!isOutage(error)) throw error;
      this.#log.warn('the session could not be closed', { because: error.message });
    }
    return this.#lastEpoch;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const wake = new Deferred<void>();
      this.#wake = wake;
      let restMs: number;
      try {
        restMs = await this.#step();
        this.#retryMs = retryMsMin;
      } catch (error) {
        restMs = this.#onFailed(error);
      }
      if (this.#isClosed) return;
      this.#maybeSayAge();
      const timer = this.#io.clock.after(restMs, () => wake.resolve());
      await wake.promise;
      timer.cancel();
    }
  }

  /** What is served goes on being served by metadata that may be old: once, and when it is over. */
  #maybeSayAge(): void {
    const { viewAgeMs } = this.#options.membership.store;
    const isOld = viewAgeMs > viewAgeMsMax;
    if (isOld === this.#isViewOld) return;
    this.#isViewOld = isOld;
    if (isOld) {
      this.#log.warn('the metadata are no longer known to be the newest', { viewAgeMs });
    } else this.#log.info('the metadata are known to be the newest again');
  }

  /** Does what is due, and says how long nothing more is unless something happens. */
  async #step(): Promise<number> {
    const heartbeatMs = this.#config.get('broker.heartbeat.interval.ms');
    // While something is waited for, the session that it is for may end.
    if (this.#session === null) {
      const lossCount = this.#lossCount;
      const session = await this.#beginSession();
      if (lossCount !== this.#lossCount) return 0;
      this.#session = session;
    }
    if (this.#brokerEpoch < 0) {
      const lossCount = this.#lossCount;
      const brokerEpoch = await this.#register();
      if (lossCount !== this.#lossCount) return 0;
      this.#brokerEpoch = brokerEpoch;
      this.#lastEpoch = brokerEpoch;
      // A disk that does not answer holds nobody up: the note says less then.
      const incarnationIds = [this.#options.membership.incarnationId];
      void this.#options.directories.noteLives({ brokerEpoch, incarnationIds });
    }
    const image = this.#options.metadata.image();
    if (image.brokers.get(this.brokerId)?.epoch !== this.#brokerEpoch) {
      if (image.offset < this.#brokerEpoch) return retryMsMin;
      // It was there: somebody has unregistered this broker.
      this.#brokerEpoch = -1;
      return 0;
    }
    const { controller } = this.#options;
    const { brokerId, brokerEpoch } = this;
    const answer = await controller.brokerHeartbeat({
      ...{ brokerId, brokerEpoch, currentMetadataOffset: image.offset },
      wantShutDown: this.#wantsOut,
      offlineLogDirs: this.#offlineLogDirs,
    });
    if (answer.shouldShutDown) {
      this.#mayGo.resolve();
      return heartbeatMs;
    }
    if (this.#wantsOut) return retryMsMin;
    if (answer.isFenced) return retryMsMin;
    if (!this.#hasJoined) {
      // Not before this broker itself knows.
      if (!this.#options.metadata.image().isAlive(brokerId)) return retryMsMin;
      this.#hasJoined = true;
      this.#log.info('joined the cluster', { brokerId, brokerEpoch });
      this.#joined.resolve();
    }
    return heartbeatMs;
  }

  async #beginSession(): Promise<BrokerSession> {
    const { membership, directories, endpoints } = this.#options;
    const session = await membership.store.register(
      {
        nodeId: this.brokerId,
        incarnationId: membership.incarnationId,
        directoryIds: directories.opened.map(({ meta }) => meta.directoryId),
        endpoints,
        rack: this.#config.get('broker.rack'),
      },
      (error) => this.#onSessionLost(error),
    );
    if (this.#isClosed) await session.close();
    return session;
  }

  async #register(): Promise<number> {
    // Of this life: another epoch is wanted. Of the one before: it ended with whole logs.
    const previousBrokerEpoch = this.#lastEpoch < 0 ? await this.#epochBefore() : this.#lastEpoch;
    const { membership, controller, directories, endpoints } = this.#options;
    const { brokerEpoch } = await controller.registerBroker({
      brokerId: this.brokerId,
      clusterId: directories.clusterId,
      incarnationId: membership.incarnationId,
      listeners: endpoints,
      features: supportedFeatures,
      rack: this.#config.get('broker.rack'),
      logDirs: directories.opened
        .map(({ meta }) => meta.directoryId)
        .filter((id) => !this.#offlineLogDirs.includes(id)),
      previousBrokerEpoch,
    });
    return brokerEpoch;
  }

  /**
   * Of the life before this one; -1: it may lack something. The controller may take what is asked
   * for next, and this process be killed before it hears so: that this life has whole logs, too, is
   * noted before. A disk that does not answer holds nobody up for long.
   */
  async #epochBefore(): Promise<number> {
    const { membership, metadata, directories } = this.#options;
    const registered = metadata.image().brokers.get(this.brokerId);
    const brokerEpoch = directories.previousBrokerEpoch(registered);
    const isWhole = registered !== undefined && registered.epoch === brokerEpoch;
    const before = isWhole ? [registered.incarnationId] : [];
    const incarnationIds = [membership.incarnationId, ...before];
    const noted = directories.noteLives({ brokerEpoch, incarnationIds });
    await endsWithin(this.#io.clock, noteMsMax, noted);
    return brokerEpoch;
  }

  #onSessionLost(error: Error): void {
    if (this.#isClosed) return;
    this.#lossCount++;
    this.#session = null;
    this.#brokerEpoch = -1;
    if (nameOf(error) === 'DUPLICATE_BROKER_REGISTRATION') {
      const message = `another process has begun as broker ${this.brokerId}: this one ends`;
      this.#isClosed = true;
      this.#options.onFatal(new BrokerError(message, { cause: error }));
      return;
    }
    this.#log.warn('the session with the cluster store ended and is renewed', {
      because: error.message,
    });
    this.#wake?.resolve();
  }

  /** How long to wait before the next attempt. */
  #onFailed(error: unknown): number {
    const name = nameOf(error);
    if (!isOutage(error)) {
      this.#giveUp(error as Error);
      return 0;
    }
    if (notRegistered.includes(name)) {
      const wasRegistered = this.#brokerEpoch >= 0;
      this.#brokerEpoch = -1;
      if (wasRegistered) return 0;
    }
    const waitedMs = this.#io.clock.monotonic() - this.#beganMs;
    const isLate = waitedMs > this.#config.get('initial.broker.registration.timeout.ms');
    if (!this.#hasJoined && (isLate || refusals.includes(name))) {
      this.#giveUp(this.#refusal(name, error));
      return 0;
    }
    this.#say(name, error);
    const restMs = this.#retryMs;
    this.#retryMs = Math.min(2 * restMs, retryMsMax);
    return restMs;
  }

  #giveUp(error: Error): void {
    this.#isClosed = true;
    if (this.#hasJoined) this.#options.onFatal(error);
    else this.#joined.reject(error);
  }

  #say(name: string, { message: because }: Error): void {
    const nowMs = this.#io.clock.monotonic();
    if (nowMs - this.#saidMs < sayMs) return;
    this.#saidMs = nowMs;
    const { brokerId } = this;
    if (name === 'DUPLICATE_BROKER_REGISTRATION') {
      this.#log.warn(`waits for the session of another process that is broker ${brokerId}`);
    } else
      this.#log.warn(`broker ${brokerId} could not tell the cluster that it lives`, { because });
  }

  /** One line for the operator. */
  #refusal(name: string, cause: Error): BrokerError {
    const { brokerId } = this;
    if (name === 'DUPLICATE_BROKER_REGISTRATION') return otherProcessError(brokerId, { cause });
    const what = `cannot start: broker ${brokerId} could not join the cluster`;
    return new BrokerError(`${what}: ${cause.message}`, { cause });
  }
}

function nameOf(error: unknown): string {
  return error instanceof KafkaError ? error.errorName : '';
}

/** Everything that the store and other brokers can say or fail to say; the rest are bugs. */
function isOutage(error: unknown): error is Error {
  return error instanceof KafkaError || error instanceof IoError;
}
