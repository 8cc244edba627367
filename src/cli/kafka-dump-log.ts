// kafka-dump-log: prints the files of a log as they are on disk, in the layout of Kafka's own
// tool. It only reads, and goes on past what is damaged as far as that can be told.

import { basename } from 'node:path';
import { Option } from 'commander';
import type { File, Io } from '../io/index.ts';
import { createNodeIo } from '../io/index.ts';
import { hidden, integer, kafkaCommand, parseFlags, UsageError } from './command-line.ts';
import type { DumpOutput } from './dump-log/dump-output.ts';
import { dumpOffsetIndex, dumpTimeIndex, dumpTransactionIndex } from './dump-log/indexes.ts';
import { groupRecords, type RecordKinds, transactionRecords } from './dump-log/internal-records.ts';
import { dumpSnapshot } from './dump-log/producers.ts';
import { type DumpOptions, dumpRecords } from './dump-log/records.ts';

interface Flags {
  files: string;
  printDataLog?: boolean;
  deepIteration?: boolean;
  skipRecordMetadata?: boolean;
  clusterMetadataDecoder?: boolean;
  offsetsDecoder?: boolean;
  transactionLogDecoder?: boolean;
  shareGroupStateDecoder?: boolean;
  remoteLogMetadataDecoder?: boolean;
  keyDecoderClass?: string;
  valueDecoderClass?: string;
  indexSanityCheck?: boolean;
  verifyIndexOnly?: boolean;
  maxBytes: number;
}

function dumpFile(io: Io, path: string, options: DumpOptions, output: DumpOutput): void {
  if (io.disk.stat(path) === null) throw new UsageError(`there is no file ${path}`);
  const name = basename(path);
  const dumpers: Record<string, (file: File) => void> = {
    '.log': (file) => dumpRecords(file, options, output),
    '.checkpoint': (file) => dumpRecords(file, options, output),
    '.index': (file) => dumpOffsetIndex(io, file, options, output),
    '.timeindex': (file) => dumpTimeIndex(io, file, options, output),
    '.txnindex': (file) => dumpTransactionIndex(file, output),
    '.snapshot': (file) => dumpSnapshot(file, output),
  };
  const dump = dumpers[name.slice(name.lastIndexOf('.'))];
  if (dump === undefined) {
    throw new UsageError(
      `${path}: files of a log end in ${Object.keys(dumpers).join(', ')}; nothing else is known`,
    );
  }
  const file = io.disk.open(path, 'read');
  try {
    output.print(`Dumping ${path}`);
    dump(file);
  } finally {
    file.close();
  }
}

/** Kafka takes the first of several in this order; two at once are a mistake. */
function decoderOf(flags: Flags): RecordKinds | null {
  const asked = [
    flags.clusterMetadataDecoder,
    flags.offsetsDecoder,
    flags.transactionLogDecoder,
  ].filter((each) => each === true);
  if (asked.length > 1) throw new UsageError('give one decoder: a file is of one topic');
  if (flags.shareGroupStateDecoder === true) {
    throw new UsageError('--share-group-state-decoder: there are no share groups yet');
  }
  if (flags.remoteLogMetadataDecoder === true) {
    throw new UsageError('--remote-log-metadata-decoder: there is no tiered storage');
  }
  if (flags.keyDecoderClass !== undefined || flags.valueDecoderClass !== undefined) {
    throw new UsageError('decoders are Java classes: keys and values are printed as text');
  }
  if (flags.offsetsDecoder === true) return groupRecords;
  return flags.transactionLogDecoder === true ? transactionRecords : null;
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
    .option('--offsets-decoder', 'read the records as those of __consumer_offsets')
    .option('--transaction-log-decoder', 'read the records as those of __transaction_state')
    .addOption(hidden(new Option('--share-group-state-decoder')))
    .addOption(hidden(new Option('--remote-log-metadata-decoder')))
    .addOption(hidden(new Option('--key-decoder-class [class]')))
    .addOption(hidden(new Option('--value-decoder-class [class]')))
    .option('--index-sanity-check', 'check that an index can be used, without printing it')
    .option('--verify-index-only', 'compare an index with its log, without printing it')
    .option('--max-message-size <bytes>', 'accepted and not needed', integer('the size', 0))
    .option('--max-bytes <bytes>', 'stop after so many bytes', integer('the size', 1), 2 ** 31 - 1);
  const flags = parseFlags<Flags>(command, args);
  const internal = decoderOf(flags);
  const printData =
    flags.printDataLog === true || flags.clusterMetadataDecoder === true || internal !== null;
  const options: DumpOptions = {
    printData,
    printRecords: printData || flags.deepIteration === true,
    skipMetadata: flags.skipRecordMetadata === true,
    decodeMetadata: flags.clusterMetadataDecoder === true,
    internal,
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
  const complain = (line: string): void => {
    flush();
    process.stderr.write(`${line}\n`);
  };
  const output = { print, complain };
  try {
    for (const path of flags.files.split(',')) dumpFile(io, path.trim(), options, output);
  } finally {
    flush();
  }
  return 0;
}
