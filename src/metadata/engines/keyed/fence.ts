// Changes that only the controller of one term may make.
//
// Invariant: each compares the version of `epoch` that the election of the term made. The next
// election puts that key, so whatever an older controller has sent, or sends, fails from then on.

import { KafkaError } from '../../../protocol/index.ts';
import type { KeyStep, KeyStore } from './key-store.ts';
import { keys } from './layout.ts';

export interface Fence {
  readonly epoch: number;
  /** Of the key `epoch`, since the election. */
  readonly version: string;
}

/**
 * Makes the change and answers the new versions of its steps.
 * @throws KafkaError NOT_CONTROLLER when it was refused: another controller was elected
 */
export async function commitFenced(
  store: KeyStore,
  { epoch, version }: Fence,
  change: readonly KeyStep[],
): Promise<readonly string[]> {
  const versions = await store.commit([{ key: keys.epoch, was: version }, ...change]);
  if (versions === null) throw termOverError(epoch);
  return versions.slice(1);
}

export function termOverError(epoch: number): KafkaError {
  return new KafkaError('NOT_CONTROLLER', `controller epoch ${epoch} is over, or was never ours`);
}
