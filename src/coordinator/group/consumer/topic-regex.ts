// Subscription by regular expression, in RE2's syntax as in Kafka. RE2 matches in time linear in
// the name and the size of the program; the bound on the size keeps the factor small, because a
// broker looks at all its topics.

import { KafkaError } from '../../../protocol/index.ts';
import { compileLinearRegex } from '../../linear-regex.ts';

const regexCharactersMax = 4096;
/** Instructions of a compiled expression: most have a few dozen. */
const programSizeMax = 2000;

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
export function compileTopicRegex(regex: string): (topic: string) => boolean {
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
