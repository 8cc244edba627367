// The partitions that the group gives and takes, and the listener that hears of it.
//
// Invariant: a partition is handed out no more once its revocation or loss was told, and not
// before its assignment was told. What a listener throws reaches the caller after the step is
// done: the group goes on either way.

import { type Client, messageOf } from '../client.ts';
import { traced } from '../diagnostics.ts';
import { keyOf, type TopicPartition } from '../leader-requests.ts';
import type { RebalanceCallback } from '../metrics/index.ts';
import type { WorkHolder } from '../runner/index.ts';
import { AssignedPartition } from './assigned-partition.ts';
import { comparePlaces } from './assignors/assignor.ts';
import type { Fetcher } from './fetcher.ts';
import type { RebalanceListener } from './subscription.ts';

export class GroupAssignment {
  /** Called before partitions are given up in good order: the moment to commit. */
  beforeRevoke: () => Promise<void> = async () => {};
  listener: RebalanceListener = {};
  /** The work runner: it hears of partitions that go before the listener does. */
  holder: WorkHolder | null = null;
  readonly #client: Client;
  readonly #groupId: string;
  readonly #fetcher: Fetcher;

  constructor(client: Client, fetcher: Fetcher, groupId: string) {
    this.#groupId = groupId;
    this.#client = client;
    this.#fetcher = fetcher;
  }

  /** By topic, then by number. */
  owned(): TopicPartition[] {
    return [...this.#fetcher.partitions]
      .map(({ topic, partition }) => ({ topic, partition }))
      .sort(comparePlaces);
  }

  ownedOutside(places: readonly TopicPartition[]): TopicPartition[] {
    const inside = new Set(places.map(keyOf));
    return this.owned().filter((place) => !inside.has(keyOf(place)));
  }

  async revoke(places: readonly TopicPartition[]): Promise<void> {
    await this.holder?.release(places);
    await this.#tell('revoked', places, this.listener.onPartitionsRevoked?.bind(this.listener));
  }

  async lose(places: readonly TopicPartition[]): Promise<void> {
    this.holder?.drop(places);
    const { listener } = this;
    const call = listener.onPartitionsLost ?? listener.onPartitionsRevoked;
    await this.#tell('lost', places, call?.bind(listener));
  }

  /** These are ours from now on; others were revoked before. Tells of those that are new. */
  async assign(places: readonly TopicPartition[]): Promise<void> {
    const added: TopicPartition[] = [];
    const assigned = places.map((place) => {
      this.#client.wantTopic(place.topic);
      const known = this.#fetcher.partition(place);
      if (known !== undefined) return known;
      const { topic, partition } = place;
      added.push({ topic, partition });
      const state = new AssignedPartition(place);
      state.awaitCommitted();
      return state;
    });
    this.#fetcher.replaceAll(assigned);
    await this.#told('assigned', added, () => this.listener.onPartitionsAssigned?.(added));
    this.#fetcher.metrics.onRebalanced(this.#client.io.clock.monotonic());
  }

  async #tell(
    what: RebalanceCallback,
    places: readonly TopicPartition[],
    call: ((partitions: TopicPartition[]) => void | Promise<void>) | undefined,
  ): Promise<void> {
    if (places.length === 0) return;
    const gone = new Set(places.map(keyOf));
    try {
      await this.#told(what, places, () =>
        call?.(places.map(({ topic, partition }) => ({ topic, partition }))),
      );
    } catch (error) {
      this.#client.log.warn('a rebalance listener failed', { error: messageOf(error) });
      throw error;
    } finally {
      const stays = [...this.#fetcher.partitions].filter((each) => !gone.has(keyOf(each)));
      this.#fetcher.replaceAll(stays);
    }
  }

  /** Calls the listener, measured and traced. */
  #told(
    kind: RebalanceCallback,
    partitions: readonly TopicPartition[],
    call: () => void | Promise<void>,
  ): Promise<void> {
    const { clientId } = this.#client.options;
    const message = () => ({ clientId, groupId: this.#groupId, kind, partitions });
    return traced('rebalance', message, async () => {
      await this.#fetcher.metrics.timed(this.#client.io.clock, kind, call());
    });
  }
}
