// Subscription by regular expression, in RE2's syntax as in Kafka: which topics each expression of
// a group stands for, and when that is looked at again. RE2 matches in time linear in the name and
// the size of the program, which is bounded, because a broker looks at all its topics.
//
// Invariant: an expression stands for topics that every member which has the expression may
// describe, so that nobody learns of a topic by the rights of another member. The rights of a
// member that this coordinator has not heard yet are unknown: while they are, no topic is added.

import type { MetadataImage } from '../../../metadata/index.ts';
import { compileLinearRegex } from '../../linear-regex.ts';
import type { GroupContext } from '../decision.ts';
import type { GroupRecord } from '../group-record.ts';
import type { ConsumerGroup, ResolvedRegex, TopicRights } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { regexRecord, regexTombstone } from './consumer-records.ts';

export type Regexes = ReadonlyMap<string, ResolvedRegex>;

/** Expressions are looked at again when topics changed, but not more often than this. */
const regexIntervalMs = 1000;

/** The member whose request is decided on. */
export interface HeardMember {
  readonly memberId: string;
  /** undefined: the request does not tell; null: everybody may describe everything. */
  readonly rights: TopicRights | null | undefined;
}

/**
 * Resolves expressions that are new, and all when topics or ACLs changed; takes from them what the
 * member may not describe; forgets those nobody has.
 * @throws KafkaError INVALID_REGULAR_EXPRESSION
 */
export function resolveRegexes(
  at: GroupContext,
  group: ConsumerGroup,
  { members, heard }: { members: readonly ConsumerMember[]; heard: HeardMember },
): { regexes: Regexes; records: GroupRecord[] } {
  const wanted = new Set(members.map(({ topicRegex }) => topicRegex).filter((one) => one !== ''));
  const records: GroupRecord[] = [];
  if (wanted.size === 0 && group.regexes.size === 0) return { regexes: group.regexes, records };
  const image = at.image();
  const nowMs = at.clock.now();
  const monotonicMs = at.clock.monotonic();
  const aclsVersion = heard.rights?.aclsVersion ?? group.regexAclsVersion;
  const isRefresh =
    (group.regexTopics !== image.topicsByName || group.regexAclsVersion !== aclsVersion) &&
    monotonicMs >= group.regexAtMs + regexIntervalMs;
  const unjudged = unjudgedRegex(group, members, heard);
  let isComplete = true;
  const regexes = new Map(group.regexes);
  for (const regex of wanted) {
    const before = group.regexes.get(regex);
    if (before !== undefined && !isRefresh && regex !== unjudged) continue;
    const judges = judgesOf(group, heard, withRegex(members, regex));
    if (judges.has(undefined)) isComplete = false;
    const found =
      before === undefined || isRefresh ? matchingTopics(image, regex) : [...before.topics];
    const topics = new Set(
      found.filter((topic) => mayAllDescribe(judges, topic, before?.topics.has(topic) === true)),
    );
    if (before !== undefined && isSameTopics(before.topics, topics)) continue;
    const resolved = { topics, version: Math.max(0, image.offset), timestampMs: nowMs };
    regexes.set(regex, resolved);
    records.push(regexRecord(group.groupId, regex, resolved));
  }
  for (const regex of group.regexes.keys()) {
    if (wanted.has(regex)) continue;
    regexes.delete(regex);
    records.push(regexTombstone(group.groupId, regex));
  }
  if (isRefresh) {
    group.regexTopics = isComplete ? image.topicsByName : null;
    group.regexAclsVersion = aclsVersion;
    group.regexAtMs = monotonicMs;
  }
  return { regexes, records };
}

/** That of the member, if its rights are not those by which the topics were chosen. */
function unjudgedRegex(
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  { memberId, rights }: HeardMember,
): string | null {
  if (rights === undefined || rights === null) return null;
  const regex = members.find((member) => member.memberId === memberId)?.topicRegex ?? null;
  const before = group.rights.get(memberId);
  const isJudged =
    before?.requester === rights.requester &&
    before.aclsVersion === rights.aclsVersion &&
    group.members.get(memberId)?.topicRegex === regex;
  return isJudged ? null : regex;
}

type Judges = ReadonlySet<TopicRights | undefined>;

function withRegex(members: readonly ConsumerMember[], regex: string): ConsumerMember[] {
  return members.filter(({ topicRegex }) => topicRegex === regex);
}

/** Whose rights count, each requester once; undefined for those whose rights are unknown. */
function judgesOf(
  group: ConsumerGroup,
  heard: HeardMember,
  members: readonly ConsumerMember[],
): Judges {
  const judges = new Map<string | undefined, TopicRights | undefined>();
  if (heard.rights === null) return new Set();
  for (const { memberId } of members) {
    const isHeard = memberId === heard.memberId && heard.rights !== undefined;
    const rights = isHeard ? heard.rights : group.rights.get(memberId);
    if (rights !== null) judges.set(rights?.requester, rights);
  }
  return new Set(judges.values());
}

function mayAllDescribe(judges: Judges, topic: string, isChosen: boolean): boolean {
  for (const rights of judges) {
    if (!(rights === undefined ? isChosen : rights.mayDescribe(topic))) return false;
  }
  return true;
}

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
function matchingTopics(image: MetadataImage, regex: string): string[] {
  const compiled = compileLinearRegex(
    regex,
    (reason) => `SubscribedTopicRegex is not a valid regular expression: ${regex}: ${reason}`,
  );
  return [...image.topics()].map(({ name }) => name).filter((name) => compiled.matches(name));
}

function isSameTopics(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((topic) => other.has(topic));
}
