// A file that a flag names, as text.

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
