// Topics by pattern, as Kafka's tools take them: a Java regular expression that must match the
// whole name, with commas for "or".

import { UsageError } from './command-line.ts';

/** Whether a topic is one of Kafka's own. */
export function isInternalTopic(name: string): boolean {
  return /^__(consumer_offsets|transaction_state|share_group_state)$/.test(name);
}

/** Throws a UsageError if the pattern is no regular expression. */
export function topicExpression(pattern: string): RegExp {
  const text = pattern
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+|["']+$/g, '');
  try {
    return new RegExp(`^(?:${text})$`);
  } catch {
    throw new UsageError(`${pattern} is not a valid regular expression for topics`);
  }
}

/** Throws a UsageError if the pattern is no regular expression. */
export function topicFilter(pattern: string): (name: string) => boolean {
  const expression = topicExpression(pattern);
  return (name) => expression.test(name);
}
