// What a system refuses for the moment and may grant later: room on a disk, and descriptors. It
// says nothing of what is stored: whoever meets it keeps what it has and tries again. And what is
// no shortage but a loss.
//
// Invariant: a sync that failed is no shortage, whatever its code: what was to be synced is lost.

import { IoError } from '../../io/index.ts';

/** For writes, not for syncs. EDQUOT: the disk has room and this user has none. */
export function isFull(error: unknown): boolean {
  return error instanceof IoError && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** Nothing but the opening of files and connections fails with these. */
export function isShortOfDescriptors(error: unknown): boolean {
  return error instanceof IoError && (error.code === 'EMFILE' || error.code === 'ENFILE');
}

export function isShortage(error: unknown): boolean {
  return isFull(error) || isShortOfDescriptors(error);
}

/** Of our own making, or over in a moment: they say nothing of the disk. */
const harmless = new Set(['EBADF', 'EINVAL', 'ENAMETOOLONG', 'EEXIST', 'EISDIR', 'ENOTEMPTY']);

/**
 * Names, or what is behind them, are not what they were (ENOENT, ENOTDIR, ESTALE, EIO, EROFS …):
 * whoever was refused a file or folder that must be there knows that its directory is lost.
 */
export function isLoss(error: unknown): boolean {
  return error instanceof IoError && !isShortage(error) && !harmless.has(error.code);
}

/** What the operator can do about it; null where it is no shortage. */
export function remedyOf(error: unknown): string | null {
  if (isFull(error)) return 'make room on the disk';
  if (isShortOfDescriptors(error)) return 'raise the limit of open files (ulimit -n)';
  return null;
}
