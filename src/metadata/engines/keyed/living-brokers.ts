// Who is alive: `brokers/<id>` goes with the session of the process that announced it, and
// `lives/<id>` stays and counts. Both are put by everything that begins or ends a registration.
//
// Invariants: a request of an earlier life fails at `lives/<id>`, however late it arrives; one
// thing at a time is asked about brokers, so what is known here never goes back; a key of this
// process that nobody here stands for is given back as soon as it is seen.

import { KafkaError } from '../../../protocol/index.ts';
import {
  type BrokerProcess,
  type BrokerSession,
  expelledError,
  heldError,
  isSuccessor,
  type StoreBroker,
  type Subscription,
  succeededError,
} from '../../cluster-store.ts';
import { type KeyEntry, type KeyStep, type KeyStore, StoreAwayError } from './key-store.ts';
import { type BrokerValue, forms, keys } from './layout.ts';
import { entriesOf } from './piece-folders.ts';
import { isUnanswered } from './unanswered.ts';

/** How often others may be faster before somebody hears of it. */
const attemptsMax = 10;

interface Registration {
  readonly broker: StoreBroker;
  readonly life: number;
  readonly session: number;
  readonly onLost: (error: Error) => void;
}

type OnBrokers = (alive: ReadonlyMap<number, StoreBroker>) => void;

export class LivingBrokers {
  readonly #store: KeyStore;
  readonly #process: string;
  readonly #onUnreadable: (error: KafkaError) => void;
  readonly #watchers = new Set<OnBrokers>();
  readonly #open = new Set<Registration>();
  #alive: ReadonlyMap<number, StoreBroker> = new Map();
  #aliveText = '[]';
  #last: Promise<unknown> = Promise.resolve();
  #refreshing: Promise<void> | null = null;

  constructor(
    store: KeyStore,
    options: { process: string; onUnreadable: (error: KafkaError) => void },
  ) {
    this.#store = store;
    this.#process = options.process;
    this.#onUnreadable = options.onUnreadable;
  }

  /** After everything that was asked before, whatever became of it. */
  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.#last.then(ask, ask);
    this.#last = asked.catch(() => {});
    return asked;
  }

  /** @throws KafkaError as ClusterStore.register, and as the store does */
  register(broker: StoreBroker, onLost: (error: Error) => void): Promise<BrokerSession> {
    return this.#inTurn(async () => {
      const life = await this.#putAlive(broker);
      const registration: Registration = { broker, onLost, ...life };
      const ended = [...this.#open].filter((each) => each.broker.nodeId === broker.nodeId);
      for (const each of ended) this.#open.delete(each);
      this.#open.add(registration);
      this.#show([...this.#othersThan(broker.nodeId), broker]);
      for (const each of ended) {
        if (each.broker.incarnationId === broker.incarnationId) continue;
        each.onLost(succeededError(broker.nodeId));
      }
      return { close: () => this.#inTurn(() => this.#close(registration)) };
    });
  }

  async #putAlive(broker: StoreBroker): Promise<Pick<Registration, 'life' | 'session'>> {
    const { nodeId } = broker;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const session = this.#store.sessionNumber;
      const { held, heldEntry, life, lifeEntry } = await this.#read(nodeId);
      if (held !== null && !isSuccessor(broker, held.broker)) throw heldError(held.broker);
      const value: BrokerValue = { process: this.#process, life: life + 1, broker };
      const becomes = forms.broker.encode(value);
      const was = heldEntry?.version ?? null;
      const versions = await this.#store.commit([
        lifeStep(nodeId, lifeEntry, life),
        { key: keys.broker(nodeId), was, becomes, session },
      ]);
      if (versions === null) continue;
      if (session === this.#store.sessionNumber) return { life: life + 1, session };
      throw new StoreAwayError(`the session ended in which broker ${nodeId} was registered`);
    }
    throw new StoreAwayError(`others were faster each time broker ${nodeId} was to be registered`);
  }

  async #read(nodeId: number) {
    const lifeEntry = await this.#store.get(keys.life(nodeId));
    const heldEntry = await this.#store.get(keys.broker(nodeId));
    const life =
      lifeEntry === null ? 0 : forms.life.decode(keys.life(nodeId), lifeEntry.value).life;
    const held =
      heldEntry === null ? null : forms.broker.decode(keys.broker(nodeId), heldEntry.value);
    return { held, heldEntry, life, lifeEntry };
  }

  /** Where the store is away, the key is given back when it is seen again. */
  async #close(registration: Registration): Promise<void> {
    if (!this.#open.delete(registration)) return;
    try {
      await this.#giveBack(registration);
    } catch (error) {
      if (!isUnanswered(error)) throw error;
    }
  }

  async #remove(nodeId: number, { version }: KeyEntry, steps: KeyStep[]): Promise<boolean> {
    const gone: KeyStep = { key: keys.broker(nodeId), was: version, becomes: null };
    if ((await this.#store.commit(steps.concat(gone))) === null) return false;
    this.#show([...this.#othersThan(nodeId)]);
    return true;
  }

  /** Ends the registration of the process, and with it its term. */
  expel({ nodeId, incarnationId }: BrokerProcess): Promise<void> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < attemptsMax; attempt++) {
        const { held, heldEntry, life, lifeEntry } = await this.#read(nodeId);
        if (held?.broker.incarnationId !== incarnationId) return;
        const steps = [lifeStep(nodeId, lifeEntry, life), ...(await this.#termOf(held))];
        if (await this.#remove(nodeId, heldEntry as KeyEntry, steps)) {
          const own = [...this.#open].find((each) => isOf(each, held));
          if (own !== undefined) this.#lose(own, expelledError(nodeId));
          return;
        }
      }
      throw new StoreAwayError(`others were faster each time broker ${nodeId} was to be expelled`);
    });
  }

  /** The steps that end the term of this process, if it has one. */
  async #termOf({ process, broker }: BrokerValue): Promise<KeyStep[]> {
    const entry = await this.#store.get(keys.controller);
    const epoch = await this.#store.get(keys.epoch);
    if (entry === null || epoch === null) return [];
    const holder = forms.controller.decode(keys.controller, entry.value);
    if (holder.process !== process || holder.nodeId !== broker.nodeId) return [];
    return [
      { key: keys.epoch, was: epoch.version },
      { key: keys.controller, was: entry.version, becomes: null },
    ];
  }

  /** Learns who is alive now; while it waits for its turn, others wait with it. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#inTurn(() => {
      this.#refreshing = null;
      return this.#refresh();
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const values = new Map<number, BrokerValue>();
    for await (const { name, value } of entriesOf(this.#store, keys.brokers)) {
      const held = this.#decode(`${keys.brokers}/${name}`, value);
      if (held !== null) values.set(held.broker.nodeId, held);
    }
    this.#loseThoseOf(values);
    this.#show([...values.values()].map(({ broker }) => broker));
    for (const value of values.values()) {
      const isOpen = [...this.#open].some((each) => isOf(each, value));
      if (value.process === this.#process && !isOpen) await this.#giveBack(value);
    }
  }

  /** Removes a key of this process, unless it is another one by now. */
  async #giveBack({ life, broker: { nodeId } }: Pick<BrokerValue, 'life' | 'broker'>) {
    const { held, heldEntry, life: newest, lifeEntry } = await this.#read(nodeId);
    if (held?.process !== this.#process || held.life !== life) return;
    await this.#remove(nodeId, heldEntry as KeyEntry, [lifeStep(nodeId, lifeEntry, newest)]);
  }

  /** Somebody else's key beside ours harms nobody. */
  #decode(key: string, value: Buffer): BrokerValue | null {
    try {
      return forms.broker.decode(key, value);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onUnreadable(error);
      return null;
    }
  }

  /** Of our registrations, those that are not in the store any more. */
  #loseThoseOf(values: ReadonlyMap<number, BrokerValue>): void {
    for (const each of [...this.#open]) {
      const { nodeId, incarnationId } = each.broker;
      const held = values.get(nodeId);
      if (held?.process === this.#process && held.life === each.life) continue;
      const isSucceeded = held !== undefined && held.broker.incarnationId !== incarnationId;
      this.#lose(each, isSucceeded ? succeededError(nodeId) : expelledError(nodeId));
    }
  }

  #lose(registration: Registration, error: KafkaError): void {
    this.#open.delete(registration);
    registration.onLost(error);
  }

  /** The session with its ephemeral keys is over. */
  onSessionEnded(session: number, why: string): void {
    for (const each of [...this.#open]) {
      if (each.session <= session) this.#lose(each, new KafkaError('NETWORK_EXCEPTION', why));
    }
  }

  *#othersThan(nodeId: number): Generator<StoreBroker, void, undefined> {
    for (const broker of this.#alive.values()) if (broker.nodeId !== nodeId) yield broker;
  }

  #show(brokers: StoreBroker[]): void {
    brokers.sort((a, b) => a.nodeId - b.nodeId);
    const text = JSON.stringify(brokers);
    if (text === this.#aliveText) return;
    this.#aliveText = text;
    this.#alive = new Map(brokers.map((broker) => [broker.nodeId, broker]));
    for (const onChange of [...this.#watchers]) onChange(this.#alive);
  }

  watch(onChange: OnBrokers): Subscription {
    this.#watchers.add(onChange);
    onChange(this.#alive);
    return { close: () => this.#watchers.delete(onChange) };
  }

  close(): void {
    this.#watchers.clear();
    this.#open.clear();
  }
}

/** Within one process. */
function isOf({ broker, life }: Registration, value: BrokerValue): boolean {
  return broker.nodeId === value.broker.nodeId && life === value.life;
}

function lifeStep(nodeId: number, entry: KeyEntry | null, life: number): KeyStep {
  const becomes = forms.life.encode({ life: life + 1 });
  return { key: keys.life(nodeId), was: entry?.version ?? null, becomes };
}
