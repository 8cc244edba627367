// The promise: a topic whose creation was acknowledged is there with its partitions and configs,
// one whose deletion was acknowledged is gone, and a topic keeps its id as long as it lives, also
// over a power cut. A change that got no answer, or an error, may have happened or not; once a
// broker has shown which, it stays so.

import { assert } from '../../src/base/assert.ts';

export interface TopicState {
  /** null where nobody was told. */
  readonly topicId: string | null;
  readonly partitionCount: number;
  /** Those set on the topic, not the defaults. */
  readonly configs: Readonly<Record<string, string>>;
}

/** null: there is no such topic. */
type Possible = TopicState | null;

export class ClusterMetadata {
  readonly #topics = new Map<string, readonly Possible[]>();

  /** Names that were ever used. */
  get names(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** The state of the topic as far as it is certain; undefined when it is not. */
  certain(name: string): Possible | undefined {
    const possible = this.#topics.get(name) ?? [null];
    return possible.length === 1 ? (possible[0] as Possible) : undefined;
  }

  /** The change was acknowledged: the topic is so now. */
  onAcknowledged(name: string, state: Possible): void {
    this.#topics.set(name, [state]);
  }

  /** Nobody knows whether the change was made. */
  onUnknown(name: string, state: Possible): void {
    this.#topics.set(name, [...(this.#topics.get(name) ?? [null]), state]);
  }

  /** A broker shows the topic. */
  onSeen(name: string, seen: Possible): void {
    const possible = this.#topics.get(name) ?? [null];
    const agrees = possible.some((state) => isSame(state, seen));
    const expected = possible.map(describe).join(' or ');
    assert(agrees, `topic ${name} is ${describe(seen)}, expected was ${expected}`);
    this.#topics.set(name, [seen]);
  }

  /** All topics that there are. */
  onListed(names: readonly string[]): void {
    for (const name of names) assert(this.#topics.has(name), `topic ${name} was never created`);
    for (const [name, possible] of this.#topics) {
      if (possible.includes(null)) continue;
      assert(names.includes(name), `acknowledged topic ${name} is lost`);
    }
  }
}

function isSame(expected: Possible, seen: Possible): boolean {
  if (expected === null || seen === null) return expected === seen;
  if (expected.topicId !== null && expected.topicId !== seen.topicId) return false;
  return (
    expected.partitionCount === seen.partitionCount &&
    describeConfigs(expected) === describeConfigs(seen)
  );
}

function describe(state: Possible): string {
  if (state === null) return 'gone';
  const { topicId, partitionCount } = state;
  return `${topicId ?? 'any id'} with ${partitionCount} partitions and ${describeConfigs(state)}`;
}

function describeConfigs({ configs }: TopicState): string {
  const pairs = Object.entries(configs).map(([name, value]) => `${name}=${value}`);
  return `{${pairs.sort().join(' ')}}`;
}
