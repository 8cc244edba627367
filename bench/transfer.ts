// Moves a number of prepared batches to a broker and back, and says what that took.

import type { Io } from '../src/io/index.ts';
import { crc32c } from '../src/protocol/index.ts';
import type { Figures } from './figures.ts';
import {
  createTopic,
  fetchedRecords,
  fetchFrame,
  type PreparedBatch,
  producedOffset,
  produceFrame,
  type Target,
  WireClient,
} from './wire-client.ts';

export interface Transfer {
  readonly target: Target;
  readonly batch: PreparedBatch;
  readonly requests: number;
  readonly inFlight: number;
  /** Processor time of the broker so far, where it is a process of its own. */
  readonly processorMs?: () => number;
}

export interface Transferred {
  readonly figures: Figures;
  readonly checksum: number;
}

/** Each request carries the same batch; they must be acknowledged in order, one after another. */
export async function produceAll(io: Io, transfer: Transfer, acks: number): Promise<Transferred> {
  const { target, batch, requests, inFlight } = transfer;
  const client = await WireClient.connect(io, target);
  const frame = produceFrame(target, batch, acks);
  const clock = startClock(transfer);
  const last = await client.exchange(requests, inFlight, () => frame);
  const figures = clock.stop({ requests, bytes: requests * batch.bytes.length });
  client.close();
  const offset = producedOffset(last);
  if (offset < (requests - 1) * batch.recordCount) throw new Error(`last offset is ${offset}`);
  return { figures, checksum: offset };
}

/**
 * Reads the batches from an offset on, so many bytes a request. What each answer has is known
 * beforehand (all batches are of one size), so requests need not wait for the answer before.
 */
export async function fetchAll(
  io: Io,
  transfer: Transfer,
  range: { readonly batches: number; readonly fromBatch: number; readonly bytesMax: number },
): Promise<Transferred> {
  const { target, batch, inFlight } = transfer;
  const { batches, fromBatch, bytesMax } = range;
  const perFetch = Math.max(1, Math.floor(bytesMax / batch.bytes.length));
  const requests = Math.max(1, Math.floor(batches / perFetch));
  const frames = Array.from({ length: requests }, (_, index) =>
    fetchFrame(target, (fromBatch + index * perFetch) * batch.recordCount, bytesMax),
  );
  const client = await WireClient.connect(io, target);
  let answered = 0;
  const clock = startClock(transfer);
  const last = await client.exchange(
    requests,
    inFlight,
    (index) => frames[index] as Buffer,
    (frame) => {
      answered += frame.length;
    },
  );
  const figures = clock.stop({ requests, bytes: answered });
  client.close();
  const expected = Math.min(batches, requests * perFetch) * batch.bytes.length;
  // A broker may answer with less than it was asked for, but must not make a habit of it.
  if (answered < expected / 2) throw new Error(`${answered} bytes came instead of ${expected}`);
  const records = fetchedRecords(last);
  // The broker's epoch differs between products: it is outside of the CRC, and left out here.
  return { figures, checksum: crc32c(records.subarray(17, batch.bytes.length)) };
}

/**
 * Creates the topic and writes one batch to it. A broker may be up before it is allowed to do
 * anything, and a topic may be there before its leader is: asks again, as clients do.
 */
export async function beginTopic(io: Io, transfer: Transfer): Promise<void> {
  await again(io, () =>
    createTopic(io, transfer.target).catch((error: Error) => {
      if (!/TOPIC_ALREADY_EXISTS/.test(error.message)) throw error;
    }),
  );
  await again(io, () => produceAll(io, { ...transfer, requests: 1, inFlight: 1 }, 1));
}

async function again<T>(io: Io, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt === 1000) throw error;
      await io.clock.sleep(5);
    }
  }
}

function startClock({ processorMs }: Transfer): {
  stop: (done: { requests: number; bytes: number }) => Figures;
} {
  const beganMs = performance.now();
  const beganProcessorMs = processorMs?.() ?? 0;
  return {
    stop: ({ requests, bytes }) => {
      const elapsedMs = performance.now() - beganMs;
      const figures = {
        'MB/s': bytes / 1000 / elapsedMs,
        'requests/s': (requests * 1000) / elapsedMs,
        'us/request': (elapsedMs * 1000) / requests,
      };
      if (processorMs === undefined) return figures;
      const usedMs = processorMs() - beganProcessorMs;
      return { ...figures, 'broker-cpu-us/request': (usedMs * 1000) / requests };
    },
  };
}
