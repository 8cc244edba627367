// Subscription by regular expression, in RE2's syntax as in Kafka: which topics each expression of
// a group stands for, and when that is looked at again. RE2 matches in time linear in the name and
// the size of the program; the bound on the size keeps the factor small, because a broker looks at
// all its topics.

import type { MetadataImage } from '../../../metadata/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { compileLinearRegex } from '../../linear-regex.ts';
import type { GroupContext } from '../decision.ts';
import type { GroupRecord } from '../group-record.ts';
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { regexRecord, regexTombstone } from './consumer-records.ts';

export type Regexes = ReadonlyMap<string, ResolvedRegex>;

/** Expressions are looked at again when topics changed, but not more often than this. */
const regexIntervalMs = 1000;
const regexCharactersMax = 4096;
/** Instructions of a compiled expression: most have a few dozen. */
const programSizeMax = 2000;

/** Resolves expressions that are new, all when topics changed; forgets those nobody has. */
export function resolveRegexes(
  at: GroupContext,
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
): { regexes: Regexes; records: GroupRecord[] } {
  const wanted = new Set(members.map(({ topicRegex }) => topicRegex).filter((one) => one !== ''));
  const records: GroupRecord[] = [];
  if (wanted.size === 0 && group.regexes.size === 0) return { regexes: group.regexes, records };
  const image = at.image();
  const nowMs = at.clock.now();
  const monotonicMs = at.clock.monotonic();
  const isRefresh =
    group.regexTopics !== image.topicsByName && monotonicMs >= group.regexAtMs + regexIntervalMs;
  const regexes = new Map(group.regexes);
  for (const regex of wanted) {
    const before = group.regexes.get(regex);
    if (before !== undefined && !isRefresh) continue;
    const resolved = resolveRegex(image, regex, nowMs);
    if (before !== undefined && isSameTopics(before.topics, resolved.topics)) continue;
    regexes.set(regex, resolved);
    records.push(regexRecord(group.groupId, regex, resolved));
  }
  for (const regex of group.regexes.keys()) {
    if (wanted.has(regex)) continue;
    regexes.delete(regex);
    records.push(regexTombstone(group.groupId, regex));
  }
  if (isRefresh) {
    group.regexTopics = image.topicsByName;
    group.regexAtMs = monotonicMs;
  }
  return { regexes, records };
}

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
function resolveRegex(image: MetadataImage, regex: string, nowMs: number): ResolvedRegex {
  const matches = compileTopicRegex(regex);
  const topics = new Set<string>();
  for (const { name } of image.topics()) if (matches(name)) topics.add(name);
  return { topics, version: Math.max(0, image.offset), timestampMs: nowMs };
}

function isSameTopics(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((topic) => other.has(topic));
}

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
function compileTopicRegex(regex: string): (topic: string) => boolean {
  if (regex.length > regexCharactersMax) {
    throw invalid(`longer than ${regexCharactersMax} characters`);
  }
  const compiled = compileLinearRegex(regex, (reason) => explain(`${regex}: ${reason}`));
  if (compiled.programSize() > programSizeMax) throw invalid(`${regex}: too large`);
  return (topic) => compiled.matches(topic);
}

function explain(why: string): string {
  return `SubscribedTopicRegex is not a valid regular expression: ${why}`;
}

function invalid(why: string): KafkaError {
  return new KafkaError('INVALID_REGULAR_EXPRESSION', explain(why));
}
