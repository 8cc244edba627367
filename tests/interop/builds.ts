// Programs of ours in other languages, built the first time they are needed after a change, into
// the cache folder. Test files run beside each other and may need the same one: each builds under
// a name of its own, and what has the final name is whole.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');

/** Where install.sh and the tests keep what a fresh clone may reuse. */
export function cacheFolder(name: string): string {
  return join(cache, 'partita', name);
}

/** Compiles the sources against the jars of a folder; returns the folder of the classes. */
export async function compileJava(jars: string, sources: readonly string[]): Promise<string> {
  const classes = join(jars, `classes-${hashOf(sources)}`);
  const options = ['-nowarn', '-cp', join(jars, '*')];
  await build(classes, (path) => ['javac', ...options, '-d', path, ...sources]);
  return classes;
}

/**
 * The options of Java for the jars of a folder, and classes of our own behind them. The archive
 * that class-archive/make.sh made of what is in the jars is mapped instead of loading them; one
 * that does not fit is passed over without a word.
 */
export function classPath(jars: string, classes?: string): readonly string[] {
  const archive = join(jars, 'classes.jsa');
  const all = classes === undefined ? join(jars, '*') : `${join(jars, '*')}:${classes}`;
  const shared = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:disable'] : [];
  return [...shared, '-cp', all];
}

/** The program that stands on franz-go. */
export async function buildGo(): Promise<string> {
  const folder = join(projectRoot, 'tests/interop/go');
  const sources = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  const program = cacheFolder(`franz-go-${hashOf(sources)}`);
  await build(program, (path) => ['go', 'build', '-trimpath', '-o', path, '.'], folder);
  return program;
}

let builds = 0;

async function build(
  path: string,
  commandFor: (path: string) => readonly [string, ...string[]],
  cwd = projectRoot,
): Promise<void> {
  if (existsSync(path)) return;
  mkdirSync(cacheFolder('.'), { recursive: true });
  const unfinished = `${path}.${process.pid}.${++builds}`;
  const [command, ...args] = commandFor(unfinished);
  const { code, stderr } = await runProgram(command, args, { cwd, env: { CGO_ENABLED: '0' } });
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
  try {
    renameSync(unfinished, path);
  } catch (error) {
    // Another was quicker; what it built is the same.
    if (!existsSync(path)) throw error;
    rmSync(unfinished, { recursive: true });
  }
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
