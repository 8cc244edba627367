// Sessions of brokers within one process.
//
// Invariant: one session for each node id, of the last process that might have it. A process that
// has a successor is dead: its registration was on its way, and neither begins a session nor ends
// the one of its successor. The order of the clients tells who came first: a process asks only when
// its client has been welcomed, and its successor begins only when it is dead.

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

interface Life {
  readonly broker: StoreBroker;
  readonly clientNumber: number;
}

export class BrokerSessions {
  readonly #held = new Map<number, Held>();
  /** Who had a node id last. */
  readonly #lastLives = new Map<number, Life>();
  readonly #watchers = new Set<OnChange>();

  /**
   * @param clientNumber of the client by which the broker asks, in the order in which they came
   * @throws KafkaError DUPLICATE_BROKER_REGISTRATION
   */
  begin(broker: StoreBroker, onLost: (error: Error) => void, clientNumber = 0): BrokerSession {
    const { nodeId, incarnationId } = broker;
    const holder = this.#held.get(nodeId);
    const life = { broker, clientNumber };
    if (hasSuccessor(life, this.#lastLives.get(nodeId))) throw succeededError(nodeId);
    if (holder !== undefined && !isSuccessor(broker, holder.broker)) throw heldError(holder.broker);
    this.#lastLives.set(nodeId, life);
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

function hasSuccessor(life: Life, last: Life | undefined): boolean {
  if (last === undefined || life.clientNumber >= last.clientNumber) return false;
  if (life.broker.incarnationId === last.broker.incarnationId) return false;
  return isSuccessor(last.broker, life.broker);
}
