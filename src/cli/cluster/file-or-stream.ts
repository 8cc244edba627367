// What a command reads or writes as a whole: a file, or under the name - standard input or output.
//
// Invariant: a file that is written has its name when it is whole and on the disk.

import type { Io } from '../../io/index.ts';
import { replaceFile } from '../../storage/index.ts';
import { readText } from '../read-text.ts';

const standardStream = '-';

/** @throws UsageError */
export async function readFrom(io: Io, from: string): Promise<string> {
  if (from !== standardStream) return readText(io, from);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether it went into a file: then standard output is free for a word about it. */
export async function writeTo(io: Io, to: string, text: string): Promise<boolean> {
  if (to === standardStream) {
    process.stdout.write(text);
    return false;
  }
  // The folder of a name alone is the current one.
  const path = to.includes('/') ? to : `./${to}`;
  await replaceFile(io.disk, path, Buffer.from(text));
  return true;
}
