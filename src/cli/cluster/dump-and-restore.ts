// `partita cluster dump` and `restore`: a backup of the metadata that a person can read, and the
// way back into an empty store.
//
// Invariant: nothing is written to a store before all of the dump was read and understood.

import type { Io } from '../../io/index.ts';
import {
  readStoreMetadata,
  restoreMetadata,
  type WholeMetadata,
} from '../../metadata/moving/index.ts';
import { dumpLines, readDump } from './dump-text.ts';
import { readFrom, writeTo } from './file-or-stream.ts';
import { type ConfigFlags, configOf, storeOf } from './named-cluster.ts';
import { StoppedBroker } from './stopped-broker.ts';

export async function dump(io: Io, flags: ConfigFlags & { readonly to: string }): Promise<void> {
  const config = configOf(io, flags);
  const isAlone = config.get('cluster.store') === null;
  const metadata = isAlone
    ? await StoppedBroker.with(io, config, (broker) => broker.readMetadata())
    : await readStoreMetadata(io, await storeOf(io, config));
  if (!(await writeTo(io, flags.to, textOf(metadata)))) return;
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
  const metadata = readDump(await readFrom(io, flags.from), flags.from);
  await restoreMetadata(io, store, metadata);
  process.stdout.write(
    `restored ${summaryOf(metadata)}\nBrokers that knew the store before are refused until you ` +
      'have run: partita cluster recover\n',
  );
}
