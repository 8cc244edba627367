// The controller on this node: stands for election, and while it is elected runs the machine that
// decides. Each method is one decision, found in the file named after what it is about.
//
// Invariants: it decides only after it has replayed everything that was committed before its term;
// when the term ends or its log cannot be written, the machine is thrown away with all that was
// not committed, and whoever waited is told so; then it stands again and builds a new one, as often
// as that takes: a node without a controller is of no use to anybody. One that was deposed and does
// not know it answers nothing, not even a question. A broken invariant ends it.

import { type Io, ofOutages, RateLimitedLog, type Timer } from '../../io/index.ts';
import { type Decision, MachineRuntime } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { isExpectedFailure } from '../../storage/index.ts';
import type {
  ClusterStore,
  ControllerTerm,
  Election,
  StoreBroker,
  Subscription,
} from '../cluster-store.ts';
import type { ImageLoader } from '../image-loader.ts';
import type { MetadataRecord } from '../records/index.ts';
import { createAcls, deleteAcls } from './acls.ts';
import { alterPartition } from './alter-partition.ts';
import type * as api from './api.ts';
import { fenceBroker, registerBroker, unregisterBroker } from './brokers.ts';
import type { ConfigRules } from './config-rules.ts';
import { alterConfigs, incrementalAlterConfigs } from './configs.ts';
import { ControllerLog } from './controller-log.ts';
import { ControllerMachine } from './controller-machine.ts';
import { DeadBrokers } from './dead-brokers.ts';
import { assignReplicasToDirs, reportOffline } from './directories.ts';
import { updateFeatures } from './features.ts';
import { brokerHeartbeat } from './heartbeats.ts';
import { electLeaders, electUncleanLeaders, rebalanceLeaders } from './leaders.ts';
import { createPartitions } from './partitions.ts';
import { type PeriodicDecision, PeriodicDecisions } from './periodic-decisions.ts';
import { allocateProducerIds } from './producer-ids.ts';
import { metadataProgress, noteProgress } from './progress.ts';
import { alterClientQuotas } from './quotas.ts';
import { alterReassignments } from './reassignments.ts';
import { alterScramCredentials } from './scram.ts';
import { takeOver, type UserRecord } from './take-over.ts';
import { createTopics, deleteTopics } from './topics.ts';

export interface MetadataControllerOptions {
  readonly nodeId: number;
  readonly store: ClusterStore;
  /** Of this process: a new machine begins with its image. */
  readonly loader: ImageLoader;
  readonly rules: ConfigRules;
  /** broker.session.timeout.ms, where brokers have sessions. Default 0: this one is on its own. */
  readonly sessionMs?: number;
  /** What a new cluster begins with. Default: nothing. */
  readonly bootstrap?: readonly MetadataRecord[];
  /** Whom the cluster is to have, new or not, with these keys. Default: nobody. */
  readonly users?: readonly UserRecord[];
  /** Nothing that waiting would mend. */
  readonly onBug: (error: Error) => void;
}

type TokenDecisions = typeof import('./tokens.ts');

const retryMsMin = 100;
/** A store that is back is not left without a controller for longer than a second. */
const retryMsMax = 800;

export class MetadataController implements api.Controller {
  readonly #io: Io;
  /** While the store is away. */
  readonly #outages: RateLimitedLog;
  readonly #options: MetadataControllerOptions;
  readonly #log: ControllerLog;
  readonly #runtime: MachineRuntime<ControllerMachine, MetadataRecord>;
  #election: Election | null = null;
  #term: ControllerTerm | null = null;
  /** The end of a term that somebody else ended: before the next one. */
  #resigning: Promise<void> | null = null;
  #alive: ReadonlyMap<number, StoreBroker> = new Map();
  /** Loaded where there is a key for delegation tokens. */
  #tokens: TokenDecisions | null = null;
  readonly #dead: DeadBrokers;
  readonly #periodic: PeriodicDecisions;
  #brokerWatch: Subscription | null = null;
  /** One attempt at being the controller at a time … */
  #isStanding = false;
  /** … and another one when it has ended. */
  #mustStandAgain = false;
  #retryMs = retryMsMin;
  #retryTimer: Timer | null = null;
  #isClosed = false;

  constructor(io: Io, options: MetadataControllerOptions) {
    this.#io = io;
    this.#outages = new RateLimitedLog(io.clock, io.log, ofOutages);
    this.#options = options;
    this.#log = new ControllerLog(options.store, {
      onTermOver: (error) => this.#onTermOver(error),
      onAppended: (epoch) => options.loader.maybeSaveSnapshot(epoch),
      onBug: options.onBug,
    });
    this.#runtime = new MachineRuntime(io, {
      name: 'controller',
      log: this.#log,
      build: () => this.#build(),
      lostError,
      onLost: (cause) => this.#onAppendFailed(cause),
    });
    this.#dead = new DeadBrokers(io, {
      nodeId: options.nodeId,
      serving: () => Array.from(options.loader.image.aliveBrokers(), ({ id }) => id),
      fence: (brokerId) => this.#decide((machine) => fenceBroker(machine, brokerId)),
      sessionMs: options.sessionMs ?? 0,
      steadyMs: () => options.store.steadyMs,
      onBug: options.onBug,
    });
    const periodic = [...this.#periodicElections(), ...this.#tokenRemoval()];
    this.#periodic = new PeriodicDecisions(io, periodic, options);
  }

  /** None where nobody else could lead. */
  #periodicElections(): PeriodicDecision[] {
    const { rules, sessionMs = 0 } = this.#options;
    if (sessionMs === 0) return [];
    const elections = [
      {
        name: 'elect leaders of partitions without one',
        everyMs: rules.uncleanElectionMs,
        decide: () => this.#decide((machine) => electUncleanLeaders(machine)),
      },
    ];
    if (rules.rebalanceMs === null) return elections;
    const decide = () => this.#decide((machine) => rebalanceLeaders(machine));
    const everyMs = rules.rebalanceMs;
    return [...elections, { name: 'elect preferred leaders', everyMs, decide }];
  }

  #tokenRemoval(): PeriodicDecision[] {
    const { secretKey, expiryCheckMs: everyMs } = this.#options.rules.tokens;
    if (secretKey === null) return [];
    const decide = () => {
      return this.#onTokens(({ removeExpiredTokens }, machine, nowMs) => {
        return removeExpiredTokens(machine, nowMs);
      });
    };
    return [{ name: 'remove expired delegation tokens', everyMs, decide }];
  }

  /** Resolves when this node is the controller and ready to decide. */
  async start(): Promise<void> {
    this.#isStanding = true;
    try {
      await this.#takeOffice();
    } catch (error) {
      // Nobody else is elected while this one stands.
      await this.close();
      throw error;
    } finally {
      this.#isStanding = false;
    }
    if (this.#mustStandAgain) this.#standAgain();
  }

  /** Stands for election until it is closed; others may be elected meanwhile. */
  stand(): void {
    this.#standAgain();
  }

  async #takeOffice(): Promise<void> {
    const { nodeId, store, loader, rules } = this.#options;
    if (rules.tokens.secretKey !== null) this.#tokens ??= await import('./tokens.ts');
    // Before it is elected: whose session ended while another one controlled, or with its term.
    this.#brokerWatch ??= store.watchBrokers((alive) => this.#onBrokersChanged(alive));
    if (this.#resigning !== null) await this.#resigning;
    this.#resigning = null;
    if (this.#term === null) {
      this.#election = store.elect({ nodeId, onLost: (error) => this.#onTermLost(error) });
      this.#term = await this.#election.term;
    }
    const { epoch } = this.#term;
    const electedMs = this.#io.clock.monotonic();
    this.#log.controllerEpoch = epoch;
    await this.#runtime.load();
    const { isInTransaction } = loader;
    const { bootstrap = [], users = [] } = this.#options;
    const found = { isInTransaction, bootstrap, users };
    const off = await this.#decide((machine) => takeOver(machine, found));
    if (off.length > 0) {
      this.#io.log.warn(`features that are not served are switched off: ${off.join(', ')}`);
    }
    await this.#dead.onElected();
    this.#periodic.onElected();
    loader.maybeSaveSnapshot(epoch);
    this.#retryMs = retryMsMin;
    const readyMs = Math.round(this.#io.clock.monotonic() - electedMs);
    this.#io.log.info('elected controller', { nodeId, epoch, readyMs });
  }

  get isActive(): boolean {
    return this.#runtime.state === 'active';
  }

  #build(): { machine: ControllerMachine; replayFrom: number } {
    const { loader, rules } = this.#options;
    const context = { rules, random: this.#io.random, log: this.#io.log };
    const machine = new ControllerMachine(loader.image, context);
    return { machine, replayFrom: loader.image.offset + 1 };
  }

  /**
   * The log refused a batch: if the term goes on, begin again from what is committed. While the
   * store is away that fails, and what is asked meanwhile brings no attempt before its time.
   */
  #onAppendFailed(cause: unknown): void {
    if (!isExpectedFailure(cause)) this.#options.onBug(cause as Error);
    else if (this.#term !== null && this.#retryTimer === null) this.#standAgain();
  }

  /**
   * Whoever was elected meanwhile has gone on from what this machine knows; or it is not known what
   * was appended, and only the next term can tell.
   */
  #onTermOver(error: Error): void {
    const term = this.#term;
    if (term === null) return;
    this.#resigning = this.#leave(() => term.resign());
    this.#onTermLost(error);
  }

  async #leave(leave: () => Promise<void>): Promise<void> {
    try {
      await leave();
    } catch (error) {
      // What it holds in the store goes with its session.
      if (!isExpectedFailure(error)) this.#options.onBug(error as Error);
      else
        this.#io.log.warn('could not tell the store that this node is not its controller', {
          error,
        });
    }
  }

  #onTermLost(error: Error): void {
    this.#term = null;
    this.#dead.onTermOver();
    this.#periodic.onTermOver();
    this.#runtime.unload(error);
    this.#standAgain();
  }

  #standAgain(): void {
    this.#mustStandAgain = true;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    if (this.#isStanding) return;
    this.#isStanding = true;
    void this.#stand().finally(() => {
      this.#isStanding = false;
    });
  }

  async #stand(): Promise<void> {
    // A store that failed has said so to the broker, which ends.
    const isOver = (): boolean => this.#isClosed || this.#options.store.isFailed;
    try {
      while (this.#mustStandAgain && !isOver()) {
        this.#mustStandAgain = false;
        await this.#takeOffice();
      }
    } catch (error) {
      if (isOver()) return;
      if (isExpectedFailure(error)) this.#retryLater(error);
      else this.#options.onBug(error as Error);
    }
  }

  #retryLater({ message: because }: Error): void {
    const retryMs = this.#retryMs;
    this.#retryMs = Math.min(retryMs * 2, retryMsMax);
    this.#outages.error('this node has no controller and tries again', { retryMs, because });
    this.#retryTimer = this.#io.clock.after(retryMs, () => this.#standAgain());
  }

  #onBrokersChanged(alive: ReadonlyMap<number, StoreBroker>): void {
    this.#alive = alive;
    this.#dead.onAlive(alive.keys());
  }

  #decide<T>(decide: (machine: ControllerMachine) => Decision<MetadataRecord, T>): Promise<T> {
    return this.#runtime.submit(decide);
  }

  #onTokens<T>(
    decide: (
      tokens: TokenDecisions,
      machine: ControllerMachine,
      nowMs: number,
    ) => Decision<MetadataRecord, T>,
  ): Promise<T> {
    const tokens = this.#tokens;
    return this.#decide((machine) => {
      if (tokens === null) throw new KafkaError('DELEGATION_TOKEN_AUTH_DISABLED');
      return decide(tokens, machine, this.#io.clock.now());
    });
  }

  createTopics(request: api.CreateTopicsRequest): Promise<api.CreateTopicResult[]> {
    return this.#decide((machine) => createTopics(machine, request));
  }

  deleteTopics(request: api.DeleteTopicsRequest): Promise<api.DeleteTopicResult[]> {
    return this.#decide((machine) => deleteTopics(machine, request));
  }

  createPartitions(request: api.CreatePartitionsRequest): Promise<api.CreatePartitionsResult[]> {
    return this.#decide((machine) => createPartitions(machine, request));
  }

  alterConfigs(request: api.AlterConfigsRequest): Promise<api.AlterConfigsResult[]> {
    return this.#decide((machine) => alterConfigs(machine, request));
  }

  incrementalAlterConfigs(
    request: api.IncrementalAlterConfigsRequest,
  ): Promise<api.AlterConfigsResult[]> {
    return this.#decide((machine) => incrementalAlterConfigs(machine, request));
  }

  allocateProducerIds(request: api.AllocateProducerIdsRequest): Promise<api.ProducerIdBlock> {
    return this.#decide((machine) => allocateProducerIds(machine, request));
  }

  registerBroker(request: api.RegisterBrokerRequest): Promise<api.RegisterBrokerResult> {
    const incarnationId = this.#alive.get(request.brokerId)?.incarnationId ?? null;
    return this.#decide((machine) => registerBroker(machine, request, { incarnationId }));
  }

  unregisterBroker(brokerId: number): Promise<void> {
    return this.#decide((machine) => unregisterBroker(machine, brokerId));
  }

  brokerHeartbeat(request: api.BrokerHeartbeatRequest): Promise<api.BrokerHeartbeatResult> {
    return this.#decide((machine) => {
      const { incarnationId } = machine.image.brokers.get(request.brokerId) ?? {};
      const session = this.#alive.get(request.brokerId);
      const hasSession = session !== undefined && session.incarnationId === incarnationId;
      const decision = brokerHeartbeat(machine, request, { hasSession });
      noteProgress(machine, request, this.#io.clock.now());
      return decision;
    });
  }

  metadataProgress(_request: Record<string, never> = {}): Promise<api.MetadataProgress> {
    const [controllerId, nowMs] = [this.#options.nodeId, this.#io.clock.now()];
    return this.#decide((machine) => metadataProgress(machine, { controllerId, nowMs }));
  }

  alterPartition(request: api.AlterPartitionRequest): Promise<api.AlterPartitionResult[]> {
    return this.#decide((machine) => alterPartition(machine, request));
  }

  electLeaders(request: api.ElectLeadersRequest): Promise<api.ElectLeadersResult[]> {
    return this.#decide((machine) => electLeaders(machine, request));
  }

  alterReassignments(
    request: api.AlterReassignmentsRequest,
  ): Promise<api.AlterReassignmentsResult[]> {
    return this.#decide((machine) => alterReassignments(machine, request));
  }

  assignReplicasToDirs(request: api.AssignReplicasRequest): Promise<api.AssignReplicasResult[]> {
    return this.#decide((machine) => assignReplicasToDirs(machine, request));
  }

  reportOffline(request: api.ReportOfflineRequest): Promise<void> {
    return this.#decide((machine) => reportOffline(machine, request));
  }

  alterClientQuotas(request: api.AlterClientQuotasRequest): Promise<api.AlterClientQuotasResult[]> {
    return this.#decide((machine) => alterClientQuotas(machine, request));
  }

  alterScramCredentials(request: api.AlterScramRequest): Promise<api.AlterScramResult[]> {
    return this.#decide((machine) => alterScramCredentials(machine, request));
  }

  createAcls(request: api.CreateAclsRequest): Promise<api.ItemResult[]> {
    return this.#decide((machine) => createAcls(machine, request));
  }

  deleteAcls(request: api.DeleteAclsRequest): Promise<api.DeleteAclsResult[]> {
    return this.#decide((machine) => deleteAcls(machine, request));
  }

  createToken(request: api.CreateTokenRequest): Promise<api.CreateTokenResult> {
    return this.#onTokens((tokens, machine, nowMs) => {
      return tokens.createToken(machine, request, nowMs);
    });
  }

  renewToken(request: api.RenewTokenRequest): Promise<api.TokenExpiry> {
    return this.#onTokens((tokens, machine, nowMs) => {
      return tokens.renewToken(machine, request, nowMs);
    });
  }

  expireToken(request: api.ExpireTokenRequest): Promise<api.TokenExpiry> {
    return this.#onTokens((tokens, machine, nowMs) => {
      return tokens.expireToken(machine, request, nowMs);
    });
  }

  updateFeatures(request: api.UpdateFeaturesRequest): Promise<api.UpdateFeaturesResult[]> {
    return this.#decide((machine) => updateFeatures(machine, request));
  }

  /** The process that is registered under the epoch was proven to be dead. */
  async fenceDead(brokerId: number, brokerEpoch: number): Promise<void> {
    await this.#decide((machine) => {
      const isOther = machine.image.brokers.get(brokerId)?.epoch !== brokerEpoch;
      return isOther ? { records: [], response: undefined } : fenceBroker(machine, brokerId);
    });
  }

  /** Lets another node be elected. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    this.#brokerWatch?.close();
    this.#dead.onTermOver();
    this.#periodic.onTermOver();
    this.#runtime.close();
    this.#term = null;
    const election = this.#election;
    if (election !== null) await this.#leave(() => election.withdraw());
  }

  /** Writes a snapshot now. */
  saveSnapshot(): Promise<void> {
    return this.#options.loader.saveSnapshot(this.#log.controllerEpoch);
  }
}

/** Why an answer will not come; a disk that refuses is worth saying, all else means "not me". */
function lostError(cause: unknown): KafkaError {
  if (cause instanceof KafkaError && cause.errorName === 'KAFKA_STORAGE_ERROR') return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KafkaError('NOT_CONTROLLER', `This node is not the active controller (${why}).`);
}
