// Sessions of brokers within one process.
//
// Invariant: one session for each node id, of the last process that might have it. A
// process that has a successor is dead: its registration was on its way, and begins no session.

import {
  type BrokerProcess,
  type BrokerSession,
  heldError,
  isSuccessor,
  type StoreBroker,
  type Subscription,
  succeededError,
} from '../../cluster-store.ts';

type OnChange = (alive: ReadonlyMap<number, StoreBroker>) => void;

interface Held {
  readonly broker: StoreBroker;
  readonly onLost: (error: Error) => void;
}

/** So many dead processes of a broker are remembered: a late registration comes soon. */
const succeededMax = 16;

export class BrokerSessions {
  readonly #held = new Map<number, Held>();
  /** Who had a node id last, and those before. */
  readonly #lives = new Map<number, { last: StoreBroker; readonly succeeded: Set<string> }>();
  readonly #watchers = new Set<OnChange>();

  /** @throws KafkaError DUPLICATE_BROKER_REGISTRATION */
  begin(broker: StoreBroker, onLost: (error: Error) => void): BrokerSession {
    const { nodeId, incarnationId } = broker;
    const holder = this.#held.get(nodeId);
    if (this.#lives.get(nodeId)?.succeeded.has(incarnationId)) throw succeededError(nodeId);
    if (holder !== undefined && !isSuccessor(broker, holder.broker)) throw heldError(holder.broker);
    this.#noteLife(broker);
    const held = { broker, onLost };
    this.#held.set(nodeId, held);
    this.#onChanged();
    if (holder !== undefined && holder.broker.incarnationId !== incarnationId) {
      holder.onLost(succeededError(nodeId));
    }
    const close = async (): Promise<void> => {
      if (this.#held.get(nodeId) !== held) return;
      this.#held.delete(nodeId);
      this.#onChanged();
    };
    return { close };
  }

  #noteLife(broker: StoreBroker): void {
    const lives = this.#lives.get(broker.nodeId);
    if (lives === undefined) {
      this.#lives.set(broker.nodeId, { last: broker, succeeded: new Set() });
      return;
    }
    const { last, succeeded } = lives;
    lives.last = broker;
    if (last.incarnationId === broker.incarnationId || !isSuccessor(broker, last)) return;
    succeeded.add(last.incarnationId);
    const [oldest] = succeeded;
    if (succeeded.size > succeededMax && oldest !== undefined) succeeded.delete(oldest);
  }

  isHeldBy({ nodeId, incarnationId }: BrokerProcess): boolean {
    return this.#held.get(nodeId)?.broker.incarnationId === incarnationId;
  }

  /** It ends against the will of its owner. */
  expel(nodeId: number, error: Error): void {
    const held = this.#held.get(nodeId);
    this.#held.delete(nodeId);
    this.#onChanged();
    held?.onLost(error);
  }

  watch(onChange: OnChange): Subscription {
    this.#watchers.add(onChange);
    onChange(this.#alive());
    return { close: () => this.#watchers.delete(onChange) };
  }

  /** All of them end against the will of their owners. */
  lose(error: Error): void {
    const lost = [...this.#held.values()];
    this.#held.clear();
    if (lost.length > 0) this.#onChanged();
    for (const { onLost } of lost) onLost(error);
  }

  close(): void {
    this.#watchers.clear();
    this.#held.clear();
  }

  #alive(): Map<number, StoreBroker> {
    return new Map([...this.#held].map(([nodeId, { broker }]) => [nodeId, broker]));
  }

  #onChanged(): void {
    for (const onChange of [...this.#watchers]) onChange(this.#alive());
  }
}
