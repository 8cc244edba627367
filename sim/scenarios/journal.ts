// The smallest system that can lose data: a server that appends what a client sends to a file,
// syncs it, and only then acknowledges. It exists to prove the simulator: done right it survives
// every seed, and with one precaution left out (`Flaw`) some seeds catch it.
//
// The wire in both directions: number (4 bytes), length of the payload (4), payload. The server
// greets with the last number it has, and acknowledges with empty payloads. The file is the same,
// with a checksum of the payload behind the length.

import { assert } from '../../src/base/assert.ts';
import { Deferred } from '../../src/base/deferred.ts';
import { murmur2 } from '../../src/base/murmur2.ts';
import { Prng } from '../../src/base/prng.ts';
import type { Connection, File, Io } from '../../src/io/io.ts';
import { Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

/** What a careless server leaves out. */
export type Flaw = 'none' | 'sync' | 'directory sync' | 'truncation' | 'sync before greeting';

interface Entry {
  readonly number: number;
  readonly payload: Buffer;
}

const directory = '/data/journal';
const path = `${directory}/entries`;
const port = 7_000;
const entryCount = 150;
const headerBytes = 12;
const healedMsMax = 300_000;

export const journal: Scenario = {
  name: 'journal',
  about: 'a journal keeps every entry that it acknowledged after a sync',
  run: (world) => runJournal(world, 'none'),
};

export async function runJournal(world: World, flaw: Flaw): Promise<void> {
  const host = world.host('server');
  const acknowledged = { number: 0 };
  const start = (): void => {
    host.start((io) => serve(io, world.seed, flaw, acknowledged));
  };
  start();
  const client = world.startProcess('client', (io) => send(io, world.seed, acknowledged));
  const nemesis = new Nemesis(world, { targets: [{ host, start }], peers: ['client'] });
  nemesis.start();
  await world.run(() => client.hasReturned || world.timeMs > 30_000);
  host.powerCut();
  nemesis.stop();
  await world.run(() => client.hasReturned, healedMsMax);
  assert(acknowledged.number === entryCount, 'after the faults every entry is acknowledged');
}

function payloadOf(seed: string, number: number): Buffer {
  const prng = new Prng(`${seed} entry ${number}`);
  return prng.bytes(prng.pick([0, 10, 600, 5_000]));
}

function frame(number: number, payload: Buffer): Buffer[] {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(number, 0);
  header.writeUInt32BE(payload.length, 4);
  return [header, payload];
}

/** Cuts the stream into entries again. */
function listen(connection: Connection, onEntry: (entry: Entry) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  connection.onData = (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const end = 8 + rest.readUInt32BE(4);
      if (rest.length < end) return;
      onEntry({ number: rest.readUInt32BE(0), payload: rest.subarray(8, end) });
      rest = rest.subarray(end);
    }
  };
}

async function send(io: Io, seed: string, acknowledged: { number: number }): Promise<void> {
  while (acknowledged.number < entryCount) {
    try {
      const connection = await io.network.connect({ host: 'server', port, timeoutMs: 3_000 });
      await sendOver(connection, io, seed, acknowledged);
    } catch {
      // Refused or timed out: the server is down or cut off. It comes back.
    }
    await io.clock.sleep(50);
  }
}

/** Resolves when the connection is of no use any more. */
async function sendOver(
  connection: Connection,
  io: Io,
  seed: string,
  acknowledged: { number: number },
): Promise<void> {
  const closed = new Deferred<void>();
  let lastHeardMs = io.clock.monotonic();
  let greeting: number | null = null;
  connection.onClose = () => closed.resolve();
  listen(connection, ({ number }) => {
    lastHeardMs = io.clock.monotonic();
    acknowledged.number = Math.max(acknowledged.number, number);
    if (greeting === null) {
      greeting = number;
      for (let next = number + 1; next <= entryCount; next++) {
        connection.write(frame(next, payloadOf(seed, next)));
      }
    }
    if (number === entryCount) connection.end();
  });
  const watch = (): void => {
    if (io.clock.monotonic() - lastHeardMs > 10_000) connection.destroy();
    else io.clock.after(1_000, watch);
  };
  watch();
  await closed.promise;
}

async function serve(
  io: Io,
  seed: string,
  flaw: Flaw,
  acknowledged: { number: number },
): Promise<void> {
  io.disk.makeDirectory(directory);
  const file = io.disk.open(path, 'create');
  if (flaw !== 'directory sync') {
    for (const parent of ['/', '/data', directory]) await io.disk.syncDirectory(parent);
  }
  const state = recover(file, seed, flaw);
  const lost = acknowledged.number - state.lastNumber;
  assert(lost <= 0, `${lost} acknowledged entries are lost`);
  const server = new JournalServer(file, state, flaw);
  await io.network.listen({ host: '0.0.0.0', port }, (connection) => server.accept(connection));
}

interface Position {
  lastNumber: number;
  sizeBytes: number;
}

/** Reads the file up to its first damage, which it cuts off. */
function recover(file: File, seed: string, flaw: Flaw): Position {
  const bytes = Buffer.alloc(file.sizeBytes());
  file.readSync(bytes, 0);
  const position = { lastNumber: 0, sizeBytes: 0 };
  while (position.sizeBytes + headerBytes <= bytes.length) {
    const start = position.sizeBytes;
    const number = bytes.readUInt32BE(start);
    const end = start + headerBytes + bytes.readUInt32BE(start + 4);
    if (number !== position.lastNumber + 1 || end > bytes.length) break;
    const payload = bytes.subarray(start + headerBytes, end);
    if (bytes.readInt32BE(start + 8) !== murmur2(payload)) break;
    assert(payload.equals(payloadOf(seed, number)), `entry ${number} is what was sent`);
    position.lastNumber = number;
    position.sizeBytes = end;
  }
  if (flaw === 'truncation') position.sizeBytes = bytes.length;
  else file.truncate(position.sizeBytes);
  return position;
}

class JournalServer {
  readonly #file: File;
  readonly #state: Position;
  readonly #flaw: Flaw;
  #syncing: Promise<void> | null = null;

  constructor(file: File, state: Position, flaw: Flaw) {
    this.#file = file;
    this.#state = state;
    this.#flaw = flaw;
  }

  accept(connection: Connection): void {
    let isClosed = false;
    connection.onClose = () => {
      isClosed = true;
    };
    const acknowledge = async (isGreeting: boolean): Promise<void> => {
      const { lastNumber } = this.#state;
      if (!isGreeting || this.#flaw !== 'sync before greeting') await this.#sync();
      if (!isClosed) connection.write(frame(lastNumber, Buffer.alloc(0)));
    };
    // The greeting promises as much as an acknowledgement, and what was recovered from the page
    // cache after a kill is on no platter yet.
    void acknowledge(true);
    listen(connection, (entry) => {
      // A client that lost its connection sends again what may have arrived on the old one.
      if (entry.number !== this.#state.lastNumber + 1) return;
      this.#append(entry);
      void acknowledge(false);
    });
  }

  #append({ number, payload }: Entry): void {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32BE(number, 0);
    header.writeUInt32BE(payload.length, 4);
    header.writeInt32BE(murmur2(payload), 8);
    this.#file.write([header, payload], this.#state.sizeBytes);
    this.#state.sizeBytes += headerBytes + payload.length;
    this.#state.lastNumber = number;
  }

  /** Syncs one after the other; what is written while one runs waits for the next. */
  async #sync(): Promise<void> {
    if (this.#flaw === 'sync') return;
    while (this.#syncing !== null) await this.#syncing;
    this.#syncing = this.#file.sync().finally(() => {
      this.#syncing = null;
    });
    await this.#syncing;
  }
}
