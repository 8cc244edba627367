// The promise (refusal): a broker that does not start over damaged files says in one line which
// file it is (or which folder or directory), and what to do about it, and leaves everything as it
// was: what is put back in its place is as good as before. It starts over what can be made again,
// and over what costs one partition: checkpoints, and whatever lies in the folder of a log.

import { assert } from '../../src/base/assert.ts';
import type { FileSystem } from '../file-system.ts';
import { contentBytes } from './damaged-logs.ts';

/** What a person can do, in the words in which the broker says it. */
const remedy =
  /\b(restore|put|bring|mount|remove|delete|move|start (it )?with|set|use|format|repair|cut)\b/i;

export function assertRefusal(error: Error, damagedPaths: readonly string[]): void {
  const { message } = error;
  const isNeeded = damagedPaths.some((path) => !isOfOneLog(path) && !isCheckpoint.test(path));
  assert(isNeeded, `the broker does not start for ${damagedPaths.join(', ')}: ${message}`);
  assert(!message.trim().includes('\n'), `a refusal has one line: ${message}`);
  const named = damagedPaths.some((path) =>
    placesOf(path).some((place) => message.includes(place)),
  );
  assert(named, `a refusal names what is damaged (${damagedPaths.join(', ')}): ${message}`);
  assert(remedy.test(message), `a refusal names a remedy: ${message}`);
}

/** What each start does: the mark of a clean stop and what was deleted go, and so on. */
const deleted = /\.deleted$|-delete\/|\/\.kafka_cleanshutdown$/;
const passing = /\/(\.lock|\d{20}\.(index|timeindex|txnindex)|[a-z-]+-offset-checkpoint)$/;
/**
 * The broker is registered at the end of the metadata log, what is known of the log follows, and
 * snapshots that newer ones have replaced go.
 */
const metadataLog = /\/__cluster_metadata-0\/\d{20}\.log$/;
const besidesMetadata = /\/__cluster_metadata-0\/([a-z-]+|\d{20}-\d{10}\.checkpoint)$/;

/** Nothing is gone or changed, least of all what is damaged; new files may be there. */
export function assertUntouched(
  before: FileSystem,
  after: FileSystem,
  directories: readonly string[],
  damagedPaths: readonly string[],
): void {
  for (const directory of directories) {
    for (const [path, file] of before.files(directory)) {
      const isDamaged = damagedPaths.includes(path);
      const isPassing = passing.test(path) || besidesMetadata.test(path);
      if ((isPassing && !isDamaged) || deleted.test(path)) continue;
      const found = after.find(path);
      if (found === null && path.endsWith('/.lock')) continue;
      // A damaged snapshot of the metadata, or meta.properties, is set aside before that.
      if ((found === null || isDamaged) && isElsewhere(after, folderOf(path), contentBytes(file)))
        continue;
      assert(
        found !== null && 'content' in found,
        `the broker refused to start, and ${path} is gone`,
      );
      const [was, is] = [contentBytes(file), contentBytes(found)];
      const isLonger = metadataLog.test(path) && !isDamaged;
      const isSame = was.equals(isLonger ? is.subarray(0, was.length) : is);
      assert(isSame, `the broker refused to start, and changed ${path}`);
    }
  }
}

const isCheckpoint = /\/(\.lock|\.kafka_cleanshutdown|[a-z-]+-offset-checkpoint)$/;

function isOfOneLog(path: string): boolean {
  const isInFolder = /^\/[^/]+\/[^/]+-\d+(\.[0-9a-f]{32}-[a-z]+)?(\/|$)/.test(path);
  return isInFolder && !path.includes('/__cluster_metadata-0');
}

function isElsewhere(files: FileSystem, folder: string, bytes: Buffer): boolean {
  return [...files.files(folder)].some(([, file]) => contentBytes(file).equals(bytes));
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** The path, and the folder that it lies in. */
function placesOf(path: string): string[] {
  const folder = folderOf(path);
  return folder === '' ? [path] : [path, folder];
}
