// The clients that stand behind a ClientProgram: what each of them knows, and how it is built and
// started.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { projectRoot } from '../root.ts';
import { buildGo, classPath, compileJava } from './builds.ts';
import { ClientProgram } from './client-program.ts';
import type { Codec } from './foreign-client.ts';
import { answers, cacheFolder, present, shortLived } from './toolchain.ts';

export interface ClientKind {
  readonly name: string;
  readonly codecs: readonly Codec[];
  readonly hasHeaders: boolean;
  readonly hasTimestamps: boolean;
  /** Creates and deletes topics by request; the others make do with automatic creation. */
  readonly hasAdmin: boolean;
  readonly hasConsumerProtocol: boolean;
  readonly hasTransactions: boolean;
  /** False if the toolchain is missing (the test is then skipped). */
  isPresent(t: TestContext): boolean;
  start(bootstrapServers: string): Promise<ClientProgram>;
}

const here = join(projectRoot, 'tests/interop');
const pom = readFileSync(join(here, 'java/pom.xml'), 'utf8');
const listed = /<clients\.versions>(.*)<\/clients\.versions>/.exec(pom)?.[1] as string;
const allCodecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** The official Java client, newest release first. */
export const javaClients: readonly ClientKind[] = listed.split(' ').map(javaClient);
export const confluentClient: ClientKind = {
  name: 'confluent-kafka (Python)',
  codecs: allCodecs,
  hasHeaders: true,
  hasTimestamps: true,
  hasAdmin: true,
  hasConsumerProtocol: true,
  hasTransactions: true,
  isPresent: (t) => present(t, existsSync(pythonOf('.complete')), 'confluent-kafka for Python'),
  start: async (servers) =>
    new ClientProgram(pythonOf('bin/python'), ['-u', join(here, 'python/driver.py'), servers]),
};
export const franzClient: ClientKind = {
  name: 'franz-go (Go)',
  codecs: allCodecs,
  hasHeaders: true,
  hasTimestamps: true,
  hasAdmin: true,
  hasConsumerProtocol: true,
  hasTransactions: true,
  isPresent: (t) => present(t, answers('go', 'version'), 'Go'),
  start: async (servers) => new ClientProgram(await buildGo(), [servers]),
};
export const clientKinds: readonly ClientKind[] = [...javaClients, confluentClient, franzClient];

/** By its release, such as 0.10.2.0. */
export function javaRelease(release: string): ClientKind {
  return javaClients.find(({ name }) => name.endsWith(` ${release}`)) as ClientKind;
}

function javaClient(release: string): ClientKind {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const since = (otherMajor: number, otherMinor: number): boolean =>
    major > otherMajor || (major === otherMajor && minor >= otherMinor);
  const jars = cacheFolder(`kafka-clients-${release}`);
  return {
    name: `kafka-clients ${release}`,
    codecs: since(2, 1) ? allCodecs : allCodecs.filter((codec) => codec !== 'zstd'),
    hasHeaders: since(0, 11),
    hasTimestamps: since(0, 10),
    hasAdmin: since(0, 11),
    hasConsumerProtocol: since(4, 0),
    hasTransactions: since(0, 11),
    isPresent: (t) =>
      present(
        t,
        answers('javac', '-version') && existsSync(join(jars, '.complete')),
        `A Java compiler or kafka-clients ${release}`,
      ),
    async start(servers) {
      const folder = join(here, 'java');
      const sources = [...javaSources(folder), ...erasOf(since, join(folder, 'eras'))];
      const [java, ...args] = await javaCommand(release, sources, 'Driver');
      return new ClientProgram(java, [...args, servers]);
    },
  };
}

/** Of each class the one of the last era that has begun. */
function erasOf(since: (major: number, minor: number) => boolean, folder: string): string[] {
  const eras = readdirSync(folder)
    .map((era) => era.split('.').map(Number) as [number, number])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .filter(([major, minor]) => since(major, minor));
  const sources = new Map<string, string>();
  for (const era of eras) {
    for (const source of javaSources(join(folder, era.join('.')))) {
      sources.set(basename(source), source);
    }
  }
  return [...sources.values()];
}

export function javaSources(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.java'))
    .map((name) => join(folder, name));
}

/** What runs a class of these sources with the client of a release. */
export async function javaCommand(
  release: string,
  sources: readonly string[],
  main: string,
): Promise<[string, ...string[]]> {
  return javaCommandOf(cacheFolder(`kafka-clients-${release}`), sources, main);
}

/** The same with a folder of jars. */
export async function javaCommandOf(
  jars: string,
  sources: readonly string[],
  main: string,
): Promise<[string, ...string[]]> {
  const classes = await compileJava(jars, sources);
  return ['java', '-Xmx128m', ...shortLived, ...classPath(jars, classes), main];
}

/** In the environment that has the Python client. */
export function pythonOf(path: string): string {
  const text = readFileSync(join(here, 'python/requirements.txt'), 'utf8');
  const version = /==(\S+)/.exec(text)?.[1] as string;
  return join(cacheFolder(`confluent-kafka-${version}`), path);
}
