// Subscription by regular expression, in RE2's syntax as in Kafka. RE2 matches in time linear in
// the name and the size of the program, so that no expression runs for ever; the bound on the size
// keeps the factor small, because a broker looks at all its topics.

import { RE2JS, RE2JSException } from 're2js';
import { KafkaError } from '../../../protocol/index.ts';

const regexCharactersMax = 4096;
/** Instructions of a compiled expression: most have a few dozen. */
const programSizeMax = 2000;

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
export function compileTopicRegex(regex: string): (topic: string) => boolean {
  if (regex.length > regexCharactersMax) {
    throw invalid(`longer than ${regexCharactersMax} characters`);
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(regex);
  } catch (error) {
    if (error instanceof RE2JSException) throw invalid(`${regex}: ${error.message}`);
    throw error;
  }
  if (compiled.programSize() > programSizeMax) throw invalid(`${regex}: too large`);
  return (topic) => compiled.matches(topic);
}

function invalid(why: string): KafkaError {
  return new KafkaError(
    'INVALID_REGULAR_EXPRESSION',
    `SubscribedTopicRegex is not a valid regular expression: ${why}`,
  );
}
