// What etcd says when it does not do what it was asked, and what follows from it.
//
// Invariant: a change counts as not made only where etcd refuses before it proposes anything to the
// other members, or all of them refuse it in the same place of their log; in every other case it
// may still come to hold.

import { IoError } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { certificateRemedy } from '../keyed/access-lines.ts';
import { StoreAwayError } from '../keyed/key-store.ts';
import { HttpError } from './http-answer-reader.ts';

/**
 * `elsewhere`: this member cannot serve now, another may; `token`: who we are is not known there
 * (any more); `lease`: the session is over; `space`: the NOSPACE alarm; `refused`: any other.
 */
export type EtcdErrorKind = 'elsewhere' | 'token' | 'lease' | 'space' | 'refused';

export class EtcdError extends KafkaError {
  readonly kind: EtcdErrorKind;
  /** What was asked was not done, and will not be. */
  readonly isCertain: boolean;

  constructor(code: number, message: string) {
    super('KAFKA_STORAGE_ERROR', message);
    this.name = 'EtcdError';
    this.kind = kindOf(code, message);
    this.isCertain = !uncertainCodes.has(code) || certain.some((text) => message.includes(text));
  }
}

/**
 * No member serves us, and none will by itself: certificates that do not fit, or no etcd. Who runs
 * goes on asking, as the owner may mend it; who starts says so at once.
 */
export class WrongStoreError extends StoreAwayError {}

/** Why one member was left. */
export interface MemberFault {
  readonly why: string;
  /** It does not go away by itself. */
  readonly isLasting: boolean;
}

export function memberFault(error: Error): MemberFault {
  const remedy = error instanceof IoError ? certificateRemedy(error.code) : null;
  if (remedy !== null) return { why: `${error.message}: ${remedy}`, isLasting: true };
  return { why: error.message, isLasting: error instanceof HttpError && error.isForeign };
}

/** Under the NOSPACE alarm. */
export const spaceRemedy =
  'etcdctl compact with the revision of etcdctl endpoint status, etcdctl defrag, ' +
  'then etcdctl alarm disarm';

/** gRPC's CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const uncertainCodes = new Set([1, 2, 4, 10, 13, 14, 15]);

/** Said by the member that was asked, before it proposes anything. */
const certain = ['etcdserver: no leader', 'rpc not supported for learner'];

/** Ended with the member's memory, older than a change of the rights, or never asked for. */
const tokens = [
  'invalid auth token',
  'revision of auth store is old',
  'revision in header is old',
  'user name is empty',
];

function kindOf(code: number, message: string): EtcdErrorKind {
  if (tokens.some((text) => message.includes(text))) return 'token';
  if (message.includes('requested lease not found')) return 'lease';
  if (message.includes('database space exceeded')) return 'space';
  if (message.includes('too many requests')) return 'elsewhere';
  return uncertainCodes.has(code) ? 'elsewhere' : 'refused';
}

/** The error in the body of an answer, `message` in all releases, `error` in older ones. */
export function errorIn(body: unknown): EtcdError | null {
  if (typeof body !== 'object' || body === null) return null;
  const { message, error, code, grpc_code } = body as Record<string, unknown>;
  // A stream says it one level deeper.
  if (typeof error === 'object') return errorIn(error);
  const text = typeof message === 'string' ? message : error;
  if (typeof text !== 'string') return null;
  return new EtcdError(Number(code ?? grpc_code ?? 2), text.split('\n')[0] as string);
}
