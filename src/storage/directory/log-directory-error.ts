// Why a log directory cannot be used, in one line that names the path and the remedy.

import type { IoError } from '../../io/index.ts';

export class LogDirectoryError extends Error {
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogDirectoryError';
    this.path = path;
  }
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'give the user of the broker the right to write there, or use another log.dirs',
  EPERM: 'give the user of the broker the right to write there, or use another log.dirs',
  EROFS: 'mount the file system for writing, or use another log.dirs',
  ENOTDIR: 'a part of the path is a file; use another log.dirs',
  EEXIST: 'a file is in its place; remove it, or use another log.dirs',
  ENOSPC: 'make room on the disk, or use another log.dirs',
  EDQUOT: 'make room on the disk, or use another log.dirs',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENFILE: 'raise the limit of open files of the system (fs.file-max)',
};

export function refusedDirectory(path: string, error: IoError): LogDirectoryError {
  const remedy = remedies[error.code] ?? 'check the disk, or use another log.dirs';
  const message = `log directory ${path} cannot be used (${error.code}): ${remedy}`;
  return new LogDirectoryError(path, message, { cause: error });
}
