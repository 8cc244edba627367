// What the records of a performance test carry: random letters, lines of a file, or numbers.

import { Prng } from '../../base/prng.ts';
import { UsageError } from '../command-line.ts';

/** The value of the record with this number, counted from 0. */
export type Payloads = (index: number) => Uint8Array;

const poolBytesMin = 1024 * 1024;

/**
 * Letters from A to Z, the same ones in every run. Values are slices at random places of a pool,
 * large enough that a batch does not hold the same stretch twice: making each letter anew would
 * measure the generator.
 */
export function randomPayloads(sizeBytes: number): Payloads {
  const prng = new Prng(0);
  const pool = Buffer.allocUnsafe(Math.max(poolBytesMin, 4 * sizeBytes));
  for (let at = 0; at < pool.length; at++) pool[at] = 65 + prng.int(26);
  const startMax = pool.length - sizeBytes + 1;
  return () => {
    const start = prng.int(startMax);
    return pool.subarray(start, start + sizeBytes);
  };
}

export const monotonicPayloads: Payloads = (index) => Buffer.from(String(index));

/** Pieces of a text at random. Throws a UsageError if there are none. */
export function textPayloads(path: string, text: string, delimiter: string): Payloads {
  const pieces = text.split(delimiter);
  // Java's split leaves out empty pieces at the end.
  while (pieces.at(-1) === '') pieces.pop();
  const values = pieces.map((piece) => Buffer.from(piece));
  if (values.length === 0) throw new UsageError(`File is empty: ${path}`);
  const prng = new Prng(0);
  return () => prng.pick(values);
}
