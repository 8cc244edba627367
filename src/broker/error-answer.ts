// The answer to a request that failed as a whole, or whose API this broker does not serve. Some
// APIs have one error code at the top; the others have one per topic, partition, group or resource
// they were asked about, so that the answer must name what the request named. Both are read off
// the schema: an error code at a level covers what is below it, and without one the arrays of the
// request are mirrored.

import type { Api, Field, Fields, KafkaError } from '../protocol/index.ts';
import { defaultsOf, isIn } from '../protocol/index.ts';

export interface ErrorAnswerOptions {
  readonly version: number;
  readonly error: KafkaError;
}

type Value = Record<string, unknown>;

const errorCodeNames = ['errorCode', 'partitionErrorCode'];

/** Names that mean the same on both sides of an API. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  partitionIndex: ['partition', 'index'],
  partitionId: ['partition'],
  partition: ['partitionIndex'],
  index: ['partition'],
  topicName: ['name', 'topic'],
  name: ['topic', 'topicName'],
  topic: ['name'],
  user: ['name'],
  key: ['coordinatorKey'],
};

/** The fields of the answer that say "nothing" where zero would say something. */
const nothing: Readonly<Value> = { baseOffset: -1, highWatermark: -1, lowWatermark: -1 };

/** What a request names as its own, and a successful answer hands out. */
const handedOut = ['producerId', 'producerEpoch'];

/** A response body of the API with the error wherever its version has room for it. */
export function errorAnswer(api: Api, request: unknown, options: ErrorAnswerOptions): Value {
  const requestValue = (request ?? {}) as Value;
  return answer(api.response.fields, requestValue, options);
}

function answer(fields: Fields, source: Value, options: ErrorAnswerOptions): Value {
  const value = defaultsOf(fields);
  for (const [name, field] of Object.entries(fields)) {
    if (!isIn(field.versions, options.version)) {
      delete value[name];
      continue;
    }
    if (name in nothing) value[name] = nothing[name];
    const known = [name, ...(synonyms[name] ?? [])].find((other) => isScalar(source[other]));
    if (known !== undefined) value[name] = source[known];
  }
  if ('errorMessage' in value) value.errorMessage = options.error.message;
  const errorCode = errorCodeNames.find((name) => name in value);
  if (errorCode !== undefined) {
    value[errorCode] = options.error.code;
    for (const name of handedOut) if (name in value) value[name] = -1;
    return value;
  }
  for (const [name, field] of Object.entries(fields)) {
    const element = elementWithError(field, options.version);
    if (element !== null) value[name] = mirror(element, source, options);
  }
  return value;
}

/** One item of the answer for each item of the request's arrays at this level. */
function mirror(element: Fields, source: Value, options: ErrorAnswerOptions): Value[] {
  const items = Object.values(source).filter(Array.isArray).flat() as unknown[];
  return items.map((item) => {
    if (typeof item === 'object' && item !== null) return answer(element, item as Value, options);
    return answer(element, { [identityOf(element, item) ?? '']: item }, options);
  });
}

/** The field that a bare string or number of the request goes to. */
function identityOf(element: Fields, item: unknown): string | undefined {
  const wanted = typeof item === 'string' ? 'string' : 'int32';
  return Object.keys(element).find(
    (name) => name !== 'errorMessage' && element[name]?.scalar === wanted,
  );
}

function elementWithError(field: Field, version: number): Fields | null {
  if (field.kind !== 'array' || typeof field.element !== 'object') return null;
  if (!isIn(field.versions, version) || field.element === null) return null;
  const element = field.element as Fields;
  const hasError =
    errorCodeNames.some((name) => name in element) ||
    Object.values(element).some((inner) => elementWithError(inner, version) !== null);
  return hasError ? element : null;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
