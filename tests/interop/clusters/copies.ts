// The copies of partitions in the log directories of stopped brokers: whether they are the same to
// the byte below the watermark, and whether Kafka's own tool reads all of them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchHeaders, isBatchCrcValid } from '../../../src/protocol/index.ts';
import { runProgram } from '../../run-program.ts';
import { kafkaToolCommand } from '../toolchain.ts';

export interface Copy {
  readonly brokerId: number;
  readonly directory: string;
}

function segmentsOf(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .sort()
    .map((name) => join(directory, name));
}

/** All that lies below the watermark, whichever segments it is in. */
function bytesBelow(directory: string, highWatermark: number): Buffer {
  const bytes = Buffer.concat(segmentsOf(directory).map((path) => readFileSync(path)));
  let end = 0;
  for (const header of batchHeaders(bytes)) {
    if (!isBatchCrcValid(bytes, header)) throw new Error(`${directory}: a batch is damaged`);
    if (header.lastOffset < highWatermark) end = header.position + header.sizeBytes;
  }
  return bytes.subarray(0, end);
}

/** What differs, a line each. */
export function compareCopies(name: string, copies: readonly Copy[], watermark: number): string[] {
  const [first, ...others] = copies.map(({ brokerId, directory }) => {
    return { brokerId, bytes: bytesBelow(directory, watermark) };
  });
  if (first === undefined) return [`${name}: there is no copy`];
  return others
    .filter(({ bytes }) => !bytes.equals(first.bytes))
    .map(({ brokerId, bytes }) => {
      const at = bytes.findIndex((byte, index) => byte !== first.bytes[index]);
      const sizes = `${first.bytes.length} and ${bytes.length} bytes below ${watermark}`;
      return `${name}: brokers ${first.brokerId} and ${brokerId} differ at byte ${at}: ${sizes}`;
    });
}

/** Kafka's DumpLogSegments over every segment; what it complains of. */
export async function dumpComplaints(directories: readonly string[]): Promise<string[]> {
  const files = directories.flatMap(segmentsOf);
  const [java, ...args] = kafkaToolCommand('kafka-dump-log', ['--files', files.join(',')]);
  const { code, stdout, stderr } = await runProgram(java, args, { timeoutMs: 300_000 });
  const isComplaint = (line: string): boolean =>
    /isvalid: false|mismatch|Found|corrupt|Exception|non-consecutive/i.test(line);
  const complaints = `${stdout}\n${stderr}`.split('\n').filter(isComplaint);
  const dumped = stdout.split('\n').filter((line) => line.startsWith('Dumping ')).length;
  if (dumped !== files.length) complaints.push(`${dumped} of ${files.length} files were dumped`);
  return code === 0 ? complaints : [`kafka-dump-log ended with ${code}: ${stderr}`, ...complaints];
}
