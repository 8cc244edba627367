// Which configuration keys the broker reads, found in its sources: a key counts as read where a
// literal of it is asked for outside of src/config, and so does a key that a read key falls back
// to. Clients and tools are left out: their properties share names with the broker's.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  brokerConfigDefinitions,
  type Definition,
  groupConfigDefinitions,
  topicConfigDefinitions,
} from '../../src/config/index.ts';
import { projectRoot } from '../root.ts';

type Definitions = Readonly<Record<string, Definition>>;

const readerFolders = ['broker', 'coordinator', 'io', 'machine', 'metadata', 'network'];
const moreFolders = ['replication', 'security', 'storage', 'metrics'];
/**
 * They parse listeners and connection limits, turn keys of older files into today's, and look up
 * what values refer to.
 */
const parsers = ['broker-config.ts', 'load-broker-config.ts', 'references.ts'].map((name) =>
  join('src', 'config', name),
);
/**
 * Keys that parser and checks use up: the broker sees only what was made of them. The last one is
 * read for one mechanism of one listener alone, under a name that is put together.
 */
const usedUp = ['inter.broker.listener.name', 'security.inter.broker.protocol', 'sasl.jaas.config'];

function sourcesOf(folder: string): string[] {
  const root = join(projectRoot, 'src', folder);
  try {
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(join(root, name), 'utf8'));
  } catch {
    return [];
  }
}

const escaped = (text: string): string => text.replace(/[.\\]/g, '\\$&');

/** Keys like group.consumer.min.${setting}, where `setting` is a literal of the same source. */
function templateReads(source: string): RegExp[] {
  return [...source.matchAll(/get(?:ForListener)?\(\s*`([a-z.]+)\$\{\w+\}`/g)].map(
    (match) => new RegExp(`^${escaped(match[1] as string)}(.+)$`),
  );
}

function isReadIn(source: string, key: string): boolean {
  const readers = 'get|getForListener|getForMechanism|has|value|text|readPem';
  const literal = new RegExp(`\\b(?:${readers})\\([^()]*['"]${escaped(key)}['"]`);
  // Or has a name of its own, for messages as well.
  const named = new RegExp(`(?:\\bconst \\w*[kK]ey =|^\\s+\\w+:) '${escaped(key)}'[;,]`, 'm');
  if (literal.test(source)) return true;
  if (named.test(source) && /\b(?:get|getForListener|getForMechanism|text)\(/.test(source))
    return true;
  return templateReads(source).some((template) => {
    const rest = template.exec(key)?.[1];
    return rest !== undefined && source.includes(`'${rest}'`);
  });
}

export interface ReadKeys {
  readonly broker: ReadonlySet<string>;
  readonly topic: ReadonlySet<string>;
  readonly group: ReadonlySet<string>;
}

export function readKeys(): ReadKeys {
  const sources = [...readerFolders, ...moreFolders].flatMap(sourcesOf);
  const parsed = parsers.map((path) => readFileSync(join(projectRoot, path), 'utf8'));
  const readOf = (definitions: Definitions): Set<string> =>
    new Set(Object.keys(definitions).filter((key) => sources.some((text) => isReadIn(text, key))));
  const broker = readOf(brokerConfigDefinitions);
  const topic = readOf(topicConfigDefinitions);
  const group = readOf(groupConfigDefinitions);
  for (const key of Object.keys(brokerConfigDefinitions)) {
    if (parsed.some((text) => isReadIn(text, key)) || usedUp.includes(key)) broker.add(key);
  }
  const followed = new Set<string>();
  const follow = (definition: Definition | undefined): void => {
    for (const { key } of definition?.fallbacks ?? []) {
      if (followed.has(key)) continue;
      followed.add(key);
      broker.add(key);
      follow((brokerConfigDefinitions as Definitions)[key]);
    }
  };
  for (const key of topic) follow((topicConfigDefinitions as Definitions)[key]);
  for (const key of group) follow((groupConfigDefinitions as Definitions)[key]);
  for (const key of [...broker]) follow((brokerConfigDefinitions as Definitions)[key]);
  return { broker, topic, group };
}
