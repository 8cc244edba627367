// Requests about partitions, each of which only the partition's leader can answer: the partitions
// are grouped by leader, asked for together, and those whose answer is worth another attempt
// (a leader that moved, a broker that is gone) are asked for again until the time is up.

import { pushAll } from '../base/push-all.ts';
import { ErrorCode, isRetriable, KafkaError } from '../protocol/index.ts';
import { type CallOptions, type Client, isRetriableFailure } from './client.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface LeaderAnswer<Answer> extends TopicPartition {
  readonly errorCode: number;
  /** null if there was no answer, only an error. */
  readonly answer: Answer | null;
}

/** Asks one leader about some of the partitions. */
export type AskLeader<Asked, Answer> = (
  nodeId: number,
  asked: readonly Asked[],
  timeoutMs: number,
) => Promise<LeaderAnswer<Answer>[]>;

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`;
}

/** The answers in the order of `asked`; what stayed unanswered has the code of its last failure. */
export async function requestToLeaders<Asked extends TopicPartition, Answer>(
  client: Client,
  asked: readonly Asked[],
  ask: AskLeader<Asked, Answer>,
  options: CallOptions = {},
): Promise<LeaderAnswer<Answer>[]> {
  const answers = new Map<string, LeaderAnswer<Answer>>();
  let open = asked;
  const attempt = async (timeoutMs: number): Promise<void> => {
    for (const each of await askOnce(client, open, ask, timeoutMs)) answers.set(keyOf(each), each);
    open = open.filter((each) => isRetriable(answers.get(keyOf(each))?.errorCode ?? -1));
    const first = open[0];
    if (first === undefined) return;
    const code = answers.get(keyOf(first))?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    throw KafkaError.fromCode(code);
  };
  try {
    await client.retry((state) => {
      state.staleMetadata = true;
      return attempt(state.timeoutMs);
    }, options);
  } catch (error) {
    // The failures of single partitions are in their answers; any other is the call's.
    const isAnswered = asked.every((each) => answers.has(keyOf(each)));
    if (!isAnswered || !isRetriableFailure(error)) throw error;
  }
  return asked.map((each) => answers.get(keyOf(each)) as LeaderAnswer<Answer>);
}

/** One attempt, for a caller who tries again by itself; the answers in the order of `asked`. */
export async function requestToLeadersOnce<Asked extends TopicPartition, Answer>(
  client: Client,
  asked: readonly Asked[],
  ask: AskLeader<Asked, Answer>,
): Promise<LeaderAnswer<Answer>[]> {
  const answers = new Map<string, LeaderAnswer<Answer>>();
  const { requestTimeoutMs } = client.options;
  for (const each of await askOnce(client, asked, ask, requestTimeoutMs)) {
    answers.set(keyOf(each), each);
  }
  const errorCode = ErrorCode.UNKNOWN_SERVER_ERROR;
  return asked.map(
    ({ topic, partition }) =>
      answers.get(keyOf({ topic, partition })) ?? { topic, partition, errorCode, answer: null },
  );
}

async function askOnce<Asked extends TopicPartition, Answer>(
  client: Client,
  asked: readonly Asked[],
  ask: AskLeader<Asked, Answer>,
  timeoutMs: number,
): Promise<LeaderAnswer<Answer>[]> {
  await learnTopics(client, asked);
  const answers: LeaderAnswer<Answer>[] = [];
  const byLeader = new Map<number, Asked[]>();
  for (const each of asked) {
    const errorCode = whyUnreachable(client, each);
    if (errorCode !== ErrorCode.NONE) {
      answers.push({ topic: each.topic, partition: each.partition, errorCode, answer: null });
      continue;
    }
    const leader = client.cache.partition(each.topic, each.partition)?.leader as number;
    const group = byLeader.get(leader);
    if (group === undefined) byLeader.set(leader, [each]);
    else group.push(each);
  }
  const groups = [...byLeader].map(async ([nodeId, group]) => {
    try {
      pushAll(answers, await ask(nodeId, group, timeoutMs));
    } catch (error) {
      if (!isRetriableFailure(error)) throw error;
      const errorCode = error instanceof KafkaError ? error.code : ErrorCode.NETWORK_EXCEPTION;
      for (const { topic, partition } of group) {
        answers.push({ topic, partition, errorCode, answer: null });
      }
    }
  });
  await Promise.all(groups);
  return answers;
}

async function learnTopics(client: Client, asked: readonly TopicPartition[]): Promise<void> {
  let isMissing = false;
  for (const each of asked) {
    client.wantTopic(each.topic);
    if (whyUnreachable(client, each) !== ErrorCode.NONE) isMissing = true;
  }
  if (isMissing) await client.refresh();
}

function whyUnreachable(client: Client, { topic, partition }: TopicPartition): number {
  const known = client.cache.topic(topic);
  if (known === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (known.errorCode !== ErrorCode.NONE) return known.errorCode;
  const leader = known.partitions[partition]?.leader;
  if (leader === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE;
}
