// Sessions of brokers within one process.
//
// Invariant: one session for each node id, of the last process that might have it.

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

export class BrokerSessions {
  readonly #held = new Map<number, Held>();
  readonly #watchers = new Set<OnChange>();

  /** @throws KafkaError DUPLICATE_BROKER_REGISTRATION */
  begin(broker: StoreBroker, onLost: (error: Error) => void): BrokerSession {
    const { nodeId, incarnationId } = broker;
    const holder = this.#held.get(nodeId);
    if (holder !== undefined && !isSuccessor(broker, holder.broker)) throw heldError(holder.broker);
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
