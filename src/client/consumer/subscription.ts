// What a consumer wants to read as a member of its group: topics by name, by a regular expression
// that is matched here, or by one that the broker matches (KIP-848).

import type { TopicPartition } from '../leader-requests.ts';
import type { TopicMetadata } from '../metadata-cache.ts';

/**
 * Hears of partitions that come and go. Called within `poll`, `unsubscribe` and `close`, which
 * wait for it; what it throws, they throw. The consumer may be used meanwhile, except for those.
 */
export interface RebalanceListener {
  /** These were added. Positions may be set with `seek`. */
  onPartitionsAssigned?(partitions: TopicPartition[]): void | Promise<void>;
  /** These will go: the last moment to commit what was done with their records. */
  onPartitionsRevoked?(partitions: TopicPartition[]): void | Promise<void>;
  /** These are gone already, others may have them. Default: `onPartitionsRevoked`. */
  onPartitionsLost?(partitions: TopicPartition[]): void | Promise<void>;
}

/**
 * A regular expression in the syntax of RE2, which the broker matches with whole names of topics.
 * Needs groupProtocol `consumer` (KIP-848).
 */
export class SubscriptionPattern {
  /** The expression as it was given. */
  readonly pattern: string;

  /**
   * `pattern` is checked by the broker: `poll` throws INVALID_REGULAR_EXPRESSION for a wrong one.
   */
  constructor(pattern: string) {
    this.pattern = pattern;
  }
}

export type SubscriptionTarget = readonly string[] | RegExp | SubscriptionPattern;

export class Subscription {
  readonly target: SubscriptionTarget;
  readonly listener: RebalanceListener;
  readonly #excludeInternal: boolean;
  #topics: readonly string[];
  #isResolved: boolean;

  constructor(target: SubscriptionTarget, listener: RebalanceListener, excludeInternal: boolean) {
    this.target = target;
    this.listener = listener;
    this.#excludeInternal = excludeInternal;
    this.#isResolved = !(target instanceof RegExp);
    this.#topics = Array.isArray(target) ? [...new Set<string>(target)].sort() : [];
  }

  /** Sorted. Of an expression: what matches as of the last metadata. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Whether the topics are known: joining with none would only mean to join again. */
  get isResolved(): boolean {
    return this.#isResolved;
  }

  get isExpression(): boolean {
    return this.target instanceof RegExp;
  }

  /** The expression for the broker, or null. */
  get pattern(): string | null {
    return this.target instanceof SubscriptionPattern ? this.target.pattern : null;
  }

  includes(topic: string): boolean {
    return this.pattern !== null || this.#topics.includes(topic);
  }

  /** Matches the expression against all topics there are. */
  replayTopics(all: Iterable<TopicMetadata>): void {
    if (!(this.target instanceof RegExp)) return;
    const matching: string[] = [];
    for (const { name, isInternal, errorCode } of all) {
      if (errorCode !== 0 || (isInternal && this.#excludeInternal)) continue;
      this.target.lastIndex = 0;
      // As Java's Pattern.matches: the whole name.
      if (this.target.exec(name)?.[0] === name) matching.push(name);
    }
    this.#topics = matching.sort();
    this.#isResolved = true;
  }
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
