// kafka-dump-log: prints the files of a log as they are on disk, in the layout of Kafka's own
// tool. It only reads, and goes on past what is damaged as far as that can be told.

import { basename } from 'node:path';
import type { File, Io } from '../io/index.ts';
import { createNodeIo } from '../io/index.ts';
import { integer, kafkaCommand, UsageError } from './command-line.ts';
import { dumpOffsetIndex, dumpTimeIndex, dumpTransactionIndex } from './dump-log/indexes.ts';
import { dumpSnapshot } from './dump-log/producers.ts';
import { type DumpOptions, dumpRecords } from './dump-log/records.ts';

/** Prints one line. */
export type Print = (line: string) => void;

interface Flags {
  files: string;
  printDataLog?: boolean;
  deepIteration?: boolean;
  skipRecordMetadata?: boolean;
  clusterMetadataDecoder?: boolean;
  indexSanityCheck?: boolean;
  verifyIndexOnly?: boolean;
  maxBytes: number;
}

function dumpFile(io: Io, path: string, options: DumpOptions, print: Print): void {
  if (io.disk.stat(path) === null) throw new UsageError(`there is no file ${path}`);
  const name = basename(path);
  const dumpers: Record<string, (file: File) => void> = {
    '.log': (file) => dumpRecords(file, options, print),
    '.checkpoint': (file) => dumpRecords(file, options, print),
    '.index': (file) => dumpOffsetIndex(io, file, options, print),
    '.timeindex': (file) => dumpTimeIndex(io, file, options, print),
    '.txnindex': (file) => dumpTransactionIndex(file, print),
    '.snapshot': (file) => dumpSnapshot(file, print),
  };
  const dump = dumpers[name.slice(name.lastIndexOf('.'))];
  if (dump === undefined) {
    throw new UsageError(
      `${path}: files of a log end in ${Object.keys(dumpers).join(', ')}; nothing else is known`,
    );
  }
  const file = io.disk.open(path, 'read');
  try {
    print(`Dumping ${path}`);
    dump(file);
  } finally {
    file.close();
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const command = kafkaCommand(
    'kafka-dump-log.sh',
    'Prints segments, indexes and producer snapshots of a log, as they are on disk.',
  )
    .requiredOption('--files <file1,file2>', 'the files to print, separated by commas')
    .option('--print-data-log', 'print keys and values too (implies --deep-iteration)')
    .option('--deep-iteration', 'print each record, not only each batch')
    .option('--skip-record-metadata', 'print keys and values only')
    .option('--cluster-metadata-decoder', 'read the values as records of the metadata log')
    .option('--index-sanity-check', 'check that an index can be used, without printing it')
    .option('--verify-index-only', 'compare an index with its log, without printing it')
    .option('--max-message-size <bytes>', 'accepted and not needed', integer('the size', 0))
    .option('--max-bytes <bytes>', 'stop after so many bytes', integer('the size', 1), 2 ** 31 - 1);
  const flags = command.parse(args, { from: 'user' }).opts<Flags>();
  const printData = flags.printDataLog === true || flags.clusterMetadataDecoder === true;
  const options: DumpOptions = {
    printData,
    printRecords: printData || flags.deepIteration === true,
    skipMetadata: flags.skipRecordMetadata === true,
    decodeMetadata: flags.clusterMetadataDecoder === true,
    sanityCheckOnly: flags.indexSanityCheck === true,
    verifyOnly: flags.verifyIndexOnly === true,
    bytesMax: flags.maxBytes,
  };
  const io = createNodeIo();
  const lines: string[] = [];
  const flush = (): void => {
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    lines.length = 0;
  };
  const print = (line: string): void => {
    lines.push(line);
    if (lines.length >= 1_000) flush();
  };
  try {
    for (const path of flags.files.split(',')) dumpFile(io, path.trim(), options, print);
  } finally {
    flush();
  }
  return 0;
}
