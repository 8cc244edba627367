// A file that a flag names, as text, and where the references of a configuration lead.

import type { ReferenceSources } from '../config/index.ts';
import { type Io, IoError } from '../io/index.ts';
import { UsageError } from './tool.ts';

/** @throws UsageError when the file is not there or cannot be read */
export function readText(io: Io, path: string): string {
  try {
    const content = io.disk.readFile(path);
    if (content !== null) return content.toString('utf8');
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new UsageError(`cannot read ${path}: ${error.message}`);
  }
  throw new UsageError(`there is no file ${path}`);
}

/** Where the references in a configuration find what they name. */
export function referenceSources({ disk }: Io): ReferenceSources {
  return { readFile: (path) => disk.readFile(path), env: process.env };
}
