// The end of a process at a signal of its system: consumers stop, so that nothing new is begun and
// what was done is committed, then producers deliver what they have, within one limit.

import type { Io, SystemSignal } from '../../io/index.ts';
import { createNodeIo, onSystemSignals } from '../../io/node-io.ts';
import { messageOf } from '../client.ts';

/** A consumer, a producer or an admin client: whatever can be closed. */
export interface Closeable {
  /** Closes it within `timeoutMs`. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/** When `shutdownOn` closes clients, and how long that may take. */
export interface ShutdownOptions {
  /** Signals at which the clients are closed. Default SIGTERM and SIGINT. */
  readonly signals?: readonly SystemSignal[];
  /** The time for all clients together, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number;
}

export interface Shutdown {
  /** Resolves when a signal has come and all are closed, with what was given up, line by line. */
  readonly done: Promise<readonly string[]>;
  /** Signals end the process as before. */
  cancel(): void;
}

/**
 * Closes the clients at the first of these signals, consumers before producers and those before
 * others, and logs what did not end in time. A second signal ends the process at once.
 *
 *     shutdownOn(['SIGTERM'], consumer, producer);
 *     await consumer.run({ handler });
 */
export function shutdownOn(
  options: readonly SystemSignal[] | ShutdownOptions,
  ...clients: readonly Closeable[]
): Shutdown {
  const { signals = ['SIGTERM', 'SIGINT'], timeoutMs = 30_000 } =
    'length' in options ? { signals: options } : options;
  const io = createNodeIo({ logLevel: 'info' });
  let cancel = (): void => {};
  const done = new Promise<readonly string[]>((resolve) => {
    cancel = onSystemSignals(signals, (signal) => {
      io.log.info('a signal has come: closing', { signal, clients: clients.length });
      resolve(closeInOrder(io, clients, timeoutMs));
    });
  });
  return { done, cancel: () => cancel() };
}

/** @returns what was given up */
export async function closeInOrder(
  io: Pick<Io, 'clock' | 'log'>,
  clients: readonly Closeable[],
  timeoutMs: number,
): Promise<string[]> {
  const deadlineMs = io.clock.monotonic() + timeoutMs;
  const givenUp: string[] = [];
  for (const stage of [0, 1, 2]) {
    const ofStage = clients.filter((client) => stageOf(client) === stage);
    const ends = ofStage.map((client) => closeOne(io, client, deadlineMs, givenUp));
    await Promise.all(ends);
  }
  for (const line of givenUp) io.log.warn('shutdown: given up', { what: line });
  return givenUp;
}

async function closeOne(
  { clock }: { readonly clock: Io['clock'] },
  client: Closeable,
  deadlineMs: number,
  givenUp: string[],
): Promise<void> {
  const name = client.constructor.name;
  const leftMs = Math.max(1, deadlineMs - clock.monotonic());
  await new Promise<void>((resolve) => {
    const timer = clock.after(leftMs, () => {
      givenUp.push(`${name} has not closed in time`);
      resolve();
    });
    client.close({ timeoutMs: leftMs }).then(
      () => {
        timer.cancel();
        resolve();
      },
      (error: unknown) => {
        timer.cancel();
        givenUp.push(`${name}: ${messageOf(error)}`);
        resolve();
      },
    );
  });
}

/** By what they can do: one may come from another copy of this library. */
function stageOf(client: Closeable): number {
  if ('subscribe' in client) return 0;
  return 'send' in client ? 1 : 2;
}
