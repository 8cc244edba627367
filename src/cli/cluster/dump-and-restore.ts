// `partita cluster dump` and `restore`: a backup of the metadata that a person can read, and the
// way back into an empty store.
//
// Invariants: a dump has its name when it is whole and on the platter; nothing is written to a
// store before all of the dump was read and understood.

import { type Io, IoError } from '../../io/index.ts';
import {
  readStoreMetadata,
  restoreMetadata,
  type WholeMetadata,
} from '../../metadata/moving/index.ts';
import { replaceFile } from '../../storage/index.ts';
import { UsageError } from '../command-line.ts';
import { dumpLines, readDump } from './dump-text.ts';
import { type ConfigFlags, configOf, storeOf } from './named-cluster.ts';
import { pathOf } from './replicas.ts';
import { StoppedBroker } from './stopped-broker.ts';

const standardStream = '-';

export async function dump(io: Io, flags: ConfigFlags & { readonly to: string }): Promise<void> {
  const config = configOf(io, flags);
  const isAlone = config.get('cluster.store') === null;
  const metadata = isAlone
    ? await StoppedBroker.with(io, config, (broker) => broker.readMetadata())
    : await readStoreMetadata(io, await storeOf(io, config));
  const text = textOf(metadata);
  if (flags.to === standardStream) {
    process.stdout.write(text);
    return;
  }
  await replaceFile(io.disk, pathOf(flags.to), Buffer.from(text));
  process.stdout.write(`${flags.to}: ${summaryOf(metadata)}\n`);
}

function textOf(metadata: WholeMetadata): string {
  let text = '';
  for (const line of dumpLines(metadata)) text += `${line}\n`;
  return text;
}

export function summaryOf({ clusterId, endOffset, records }: WholeMetadata): string {
  const countOf = (type: string): number => records.filter((each) => each.type === type).length;
  const topics = `${countOf('TopicRecord')} topics, ${countOf('PartitionRecord')} partitions`;
  return `cluster ${clusterId}, metadata up to ${endOffset}: ${topics}, ${records.length} records`;
}

export async function restore(
  io: Io,
  flags: ConfigFlags & { readonly from: string },
): Promise<void> {
  const config = configOf(io, flags);
  const store = await storeOf(io, config);
  const metadata = readDump(await inputOf(io, flags.from), flags.from);
  await restoreMetadata(io, store, metadata);
  process.stdout.write(
    `restored ${summaryOf(metadata)}\nBrokers that knew the store before are refused until you ` +
      'have run: partita cluster recover\n',
  );
}

async function inputOf(io: Io, from: string): Promise<string> {
  if (from !== standardStream) {
    try {
      const bytes = io.disk.readFile(from);
      if (bytes !== null) return bytes.toString('utf8');
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      throw new UsageError(`cannot read ${from}: ${error.message}`);
    }
    throw new UsageError(`there is no file ${from}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
