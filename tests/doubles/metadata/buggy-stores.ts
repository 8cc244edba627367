// Stores that each have one bug, to show that the contract of cluster stores finds it.

import type { Uuid } from '../../../src/base/uuid.ts';
import type { Io } from '../../../src/io/index.ts';
import type {
  AppendOptions,
  BrokerProcess,
  BrokerSession,
  Candidate,
  ControllerTerm,
  Election,
  StoreBatch,
  StoreBroker,
  StoreSnapshot,
  StoreWatcher,
  Subscription,
} from '../../../src/metadata/cluster-store.ts';
import type { StoreRequest } from '../../../src/metadata/cluster-store-outages-contract.ts';
import { KafkaError } from '../../../src/protocol/index.ts';
import { LostMessage, RemoteStore, type Standing, type StoreServer } from './remote-stores.ts';

type Register = [broker: StoreBroker, onLost: (error: Error) => void];

function isLost(error: unknown): boolean {
  return error instanceof Error && (error.cause ?? error) instanceof LostMessage;
}

let starts = 0;

/** By what they do wrong. */
export const bugs: Readonly<Record<string, new (io: Io, server: StoreServer) => RemoteStore>> = {
  'reads backwards': class extends RemoteStore {
    override async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
      const batches: StoreBatch[] = [];
      for await (const batch of super.read(from)) batches.unshift(batch);
      yield* batches;
    }
  },
  'does not compare the end': class extends RemoteStore {
    override append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
      return super.append(records, { ...options, expectedEnd: this.server.local.endOffset });
    }
  },
  'takes one append at a time': class extends RemoteStore {
    #isBusy = false;

    override async append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
      if (this.#isBusy) throw new KafkaError('INVALID_REQUEST');
      this.#isBusy = true;
      await super.append(records, options).finally(() => {
        this.#isBusy = false;
      });
    }
  },
  'does not compare the epoch': class extends RemoteStore {
    #newest = 0;

    override async standOnce(standing: Standing, attempt: number): Promise<ControllerTerm> {
      const term = await super.standOnce(standing, attempt);
      this.#newest = term.epoch;
      return term;
    }

    override append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
      return super.append(records, { ...options, controllerEpoch: this.#newest });
    }
  },
  'elects whoever appends': class extends RemoteStore {
    override async append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
      const { epoch } = await this.elect({ nodeId: 1, onLost: () => {} }).term;
      const { endOffset } = this.server.local;
      await super.append(records, { ...options, controllerEpoch: epoch, expectedEnd: endOffset });
    }
  },
  'confirms everybody': class extends RemoteStore {
    override async confirm(): Promise<void> {}
  },
  'confirms when nobody answers': class extends RemoteStore {
    override async confirm(controllerEpoch: number): Promise<void> {
      await super.confirm(controllerEpoch).catch((error: unknown) => {
        if (!isLost(error)) throw error;
      });
    }
  },
  'does not withdraw': class extends RemoteStore {
    override elect(candidate: Candidate): Election {
      return { ...super.elect(candidate), withdraw: async () => {} };
    }
  },
  'withdraws when it is heard': class extends RemoteStore {
    override elect(candidate: Candidate): Election {
      const election = super.elect(candidate);
      const withdraw = async (): Promise<void> => {
        if (!this.isCut) await election.withdraw();
      };
      return { ...election, withdraw };
    }
  },
  'tells watchers later': class extends RemoteStore {
    override onNews(batch: StoreBatch): void {
      this.io.clock.nextTurn(() => super.onNews(batch));
    }
  },
  'begins a watch where it has arrived': class extends RemoteStore {
    override async watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
      await Promise.resolve();
      return super.watch(from < this.endOffset ? this.endOffset : from, watcher);
    }
  },
  'watches from beyond its end': class extends RemoteStore {
    override watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
      return super.watch(Math.min(from, this.endOffset), watcher);
    }
  },
  'calls every view old': class extends RemoteStore {
    override get viewAgeMs(): number {
      return 60_000;
    }
  },
  'calls no view old': class extends RemoteStore {
    override get viewAgeMs(): number {
      return 0;
    }
  },
  'forgets its snapshots': class extends RemoteStore {
    override async newestSnapshot(): Promise<StoreSnapshot | null> {
      return null;
    }
  },
  'reads snapshots whole': class extends RemoteStore {
    override async newestSnapshot(): Promise<StoreSnapshot | null> {
      const snapshot = await super.newestSnapshot();
      if (snapshot === null) return null;
      const whole: Buffer[] = [];
      for await (const piece of snapshot.pieces) for (const record of piece) whole.push(record);
      return { ...snapshot, pieces: [whole] };
    }
  },
  'keeps half a snapshot': class extends RemoteStore {
    override async saveSnapshot(snapshot: StoreSnapshot, epoch: number): Promise<void> {
      const pieces: (readonly Buffer[])[] = [];
      let failure: unknown = null;
      try {
        for await (const piece of snapshot.pieces) pieces.push(piece);
      } catch (error) {
        failure = error;
      }
      await super.saveSnapshot({ ...snapshot, pieces }, epoch);
      if (failure !== null) throw failure;
    }
  },
  'takes snapshots of anybody': class extends RemoteStore {
    #newest = 0;

    override async standOnce(standing: Standing, attempt: number): Promise<ControllerTerm> {
      const term = await super.standOnce(standing, attempt);
      this.#newest = term.epoch;
      return term;
    }

    override saveSnapshot(snapshot: StoreSnapshot): Promise<void> {
      return super.saveSnapshot(snapshot, this.#newest);
    }
  },
  'lets the last process win': class extends RemoteStore {
    override register(...[broker, onLost]: Register): Promise<BrokerSession> {
      return super.register({ ...broker, directoryIds: ['shared'] }, onLost);
    }
  },
  'lets the first process win': class extends RemoteStore {
    #count = 0;

    override register(...[broker, onLost]: Register): Promise<BrokerSession> {
      this.#count += 1;
      const incarnationId = `${broker.incarnationId}/${this.#count}`;
      return super.register({ ...broker, incarnationId, directoryIds: [] }, onLost);
    }
  },
  'says of no session that it was lost': class extends RemoteStore {
    override register(broker: StoreBroker): Promise<BrokerSession> {
      return super.register(broker, () => {});
    }
  },
  'registers without an answer': class extends RemoteStore {
    override register(...args: Register): Promise<BrokerSession> {
      return super.register(...args).catch((error: unknown) => {
        if (isLost(error)) return { close: async () => {} };
        throw error;
      });
    }
  },
  'ends no session': class extends RemoteStore {
    override async register(...args: Register): Promise<BrokerSession> {
      await super.register(...args);
      return { close: async () => {} };
    }
  },
  'ends sessions by node id': class extends RemoteStore {
    override async register(...[broker, onLost]: Register): Promise<BrokerSession> {
      await super.register(broker, onLost);
      return { close: () => this.leave(`session ${broker.nodeId}`) };
    }
  },
  'expels nobody': class extends RemoteStore {
    override async expel(): Promise<void> {}
  },
  'expels by node id': class extends RemoteStore {
    override expel({ nodeId }: BrokerProcess): Promise<void> {
      return this.server.expire(nodeId);
    }
  },
  'is another store at each start': class extends RemoteStore {
    readonly #id = String(starts++).padStart(22, 'A');

    override get historyId(): Uuid {
      return this.#id;
    }
  },
  'sends an append again': class extends RemoteStore {
    override async call<T>(request: StoreRequest | 'read', run: () => Promise<T>): Promise<T> {
      try {
        return await super.call(request, run);
      } catch (error) {
        if (request !== 'append' || !isLost(error) || this.isCut) throw error;
        return await super.call(request, run);
      }
    }
  },
  'goes on after an unknown append': class extends RemoteStore {
    override onUnknown(): void {}
  },
  'counts a lost answer as a yes': class extends RemoteStore {
    override async append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
      await super.append(records, options).catch((error: unknown) => {
        if ((error as KafkaError).errorName !== 'REQUEST_TIMED_OUT') throw error;
      });
    }
  },
  'stands once': class extends RemoteStore {
    override async standOnce(standing: Standing, attempt: number): Promise<ControllerTerm> {
      if (standing.attempts > 1) return new Promise(() => {});
      return await super.standOnce(standing, attempt);
    }
  },
  'stands again for an attempt that came late': class extends RemoteStore {
    override standOnce(standing: Standing): Promise<ControllerTerm> {
      return super.standOnce(standing, standing.attempts);
    }
  },
  'forgets what it was told during an outage': class extends RemoteStore {
    override tell(news: () => void): void {
      if (!this.isCut) news();
    }
  },
  'keeps its view after an outage': class extends RemoteStore {
    override async heal(): Promise<void> {
      const { attach } = this;
      this.attach = async () => {};
      await super.heal();
      this.attach = attach;
    }
  },
  'skips what it missed': class extends RemoteStore {
    override async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
      for await (const batch of super.read(from)) {
        if (batch.endOffset >= this.endOffset) yield batch;
      }
    }
  },
  'reads from its beginning': class extends RemoteStore {
    override read(): AsyncGenerator<StoreBatch, void, undefined> {
      return super.read(this.server.local.logStartOffset);
    }
  },
  'reads other times than it told': class extends RemoteStore {
    override async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
      for await (const batch of super.read(from)) {
        yield { ...batch, timestampMs: batch.timestampMs + 1 };
      }
    }
  },
  'does not see that it was put back': class extends RemoteStore {
    readonly #seen = { endOffset: 0, historyId: '' };

    override get endOffset(): number {
      this.#seen.endOffset = Math.max(this.#seen.endOffset, super.endOffset);
      return this.#seen.endOffset;
    }

    override get historyId(): Uuid {
      this.#seen.historyId ||= super.historyId;
      return this.#seen.historyId;
    }
  },
};
