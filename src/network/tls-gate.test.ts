// How many handshakes may be under way and how fast they begin, in virtual time: the handshakes
// themselves are scripted here.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedConnection } from '../../tests/doubles/network/scripted-connection.ts';
import { Deferred } from '../base/deferred.ts';
import { Prng } from '../base/prng.ts';
import {
  type Connection,
  type Io,
  IoError,
  RateLimitedLog,
  type SecuredConnection,
  type ServerTls,
} from '../io/index.ts';
import { clientHelloState } from './client-hello.ts';
import { defaultTlsGateLimits, TlsGate, type TlsGateLimits } from './tls-gate.ts';

/** A record with a ClientHello of as many bytes. */
function hello(size = 200): Buffer {
  const bytes = Buffer.alloc(9 + size);
  bytes.set([0x16, 3, 1]);
  bytes.writeUInt16BE(4 + size, 3);
  bytes[5] = 1;
  bytes.writeUIntBE(size, 6, 3);
  return bytes;
}

/** Handshakes that end when the test says so, and when each began. */
class Script implements ServerTls {
  readonly begun: { readonly ip: string; readonly atMs: number; readonly received: Buffer }[] = [];
  readonly open: { readonly raw: Connection; readonly end: Deferred<SecuredConnection> }[] = [];
  readonly #io: Io;
  readonly #isInstant: boolean;

  constructor(io: Io, isInstant: boolean) {
    this.#io = io;
    this.#isInstant = isInstant;
  }

  accept(raw: Connection, received: Buffer): Promise<SecuredConnection> {
    const atMs = this.#io.clock.monotonic();
    this.begun.push({ ip: raw.remoteHost, atMs, received });
    const end = new Deferred<SecuredConnection>();
    if (this.#isInstant) end.resolve(secured(raw));
    else this.open.push({ raw, end });
    return end.promise;
  }
}

function secured(connection: Connection): SecuredConnection {
  return { connection, peer: { certificate: null, protocol: 'TLSv1.3', cipher: 'x' } };
}

interface Stage {
  readonly io: Io;
  readonly gate: TlsGate;
  readonly script: Script;
  /** How many were let in, and how many came to nothing. */
  readonly ends: { secured: number; failed: number; refused: string[] };
  /** A client that connects from an address of its own, or from that of the others. */
  client(ip?: string): ScriptedConnection;
}

function onStage(
  body: (stage: Stage) => Promise<void>,
  limits: Partial<TlsGateLimits> = {},
  isInstant = false,
): Promise<void> {
  return simulate(async (io) => {
    const script = new Script(io, isInstant);
    const all = { ...defaultTlsGateLimits, ...limits };
    const listener = { tls: () => script, limits: () => all };
    const log = new RateLimitedLog(io.clock, io.log);
    const condemn = (raw: Connection): void => raw.destroy();
    const gate = new TlsGate(io, { listenerName: 'SSL', listener, log, condemn });
    const ends: Stage['ends'] = { secured: 0, failed: 0, refused: [] };
    const client = (ip = '10.0.0.2') => {
      const raw = new ScriptedConnection(ip);
      const refusal = gate.take(raw, (end) => {
        if (end === null) ends.failed++;
        else ends.secured++;
      });
      if (refusal !== null) ends.refused.push(refusal);
      return raw;
    };
    await body({ io, gate, script, ends, client });
  });
}

describe('a gate of handshakes', () => {
  test('begins one when the whole ClientHello is there, whatever the pieces', async () => {
    await onStage(async ({ script, ends, client }) => {
      const raw = client();
      const bytes = hello();
      for (const byte of bytes.subarray(0, -1)) raw.onData(Buffer.from([byte]));
      assert.equal(script.begun.length, 0);
      raw.onData(bytes.subarray(-1));
      assert.deepEqual(script.begun[0]?.received, bytes);
      script.open[0]?.end.resolve(secured(raw));
      await Promise.resolve();
      await Promise.resolve();
      assert.deepEqual(ends, { secured: 1, failed: 0, refused: [] });
    });
  });

  test('closes who speaks something else, after the delay of failures', async () => {
    await onStage(async ({ io, gate, script, ends, client }) => {
      const raw = client();
      raw.onData(Buffer.from('0000001a00120003', 'hex'));
      await io.clock.sleep(99);
      assert.equal(raw.isDestroyed, false);
      await io.clock.sleep(1);
      assert.equal(raw.isDestroyed, true);
      assert.equal(script.begun.length, 0);
      assert.deepEqual(ends, { secured: 0, failed: 1, refused: [] });
      assert.equal(gate.unfinishedCount, 0);
    });
  });

  test('gives up in time who says nothing, or stops in the middle', async () => {
    await onStage(async ({ io, gate, ends, client }) => {
      const silent = client();
      const slow = client();
      slow.onData(hello().subarray(0, 100));
      await io.clock.sleep(9_999);
      assert.equal(ends.failed, 0);
      await io.clock.sleep(102);
      assert.equal(ends.failed, 2);
      assert.ok(silent.isDestroyed && slow.isDestroyed);
      assert.equal(gate.unfinishedCount, 0);
    });
  });

  test('lets an address have so many unfinished, and others beside it', async () => {
    await onStage(async ({ ends, client }) => {
      for (let number = 0; number < 110; number++) client();
      assert.equal(ends.refused.length, 10);
      assert.match(ends.refused[0] ?? '', /ssl\.handshakes\.unfinished\.per\.ip\.max is 100/);
      client('10.0.0.3').onData(hello());
      assert.equal(ends.refused.length, 10);
    });
  });

  test('makes room for who comes by closing who has said nothing for longest', async () => {
    await onStage(
      async ({ gate, ends, client }) => {
        const first = client('10.0.1.0');
        for (let number = 1; number < 50; number++) client(`10.0.1.${number}`);
        const honest = client('10.0.2.1');
        assert.deepEqual(ends.refused, []);
        assert.equal(first.isDestroyed, true);
        assert.equal(honest.isDestroyed, false);
        assert.equal(gate.unfinishedCount, 50);
      },
      { unfinishedMax: 50 },
    );
  });

  test('has no more than a few of one address in the middle', async () => {
    await onStage(async ({ io, script, client }) => {
      for (let number = 0; number < 50; number++) client().onData(hello());
      await io.clock.sleep(1_000);
      assert.equal(script.begun.length, 8);
      const [first] = script.open;
      first?.end.resolve(secured(first.raw));
      await io.clock.sleep(100);
      assert.equal(script.begun.length, 9);
    });
  });

  test('begins handshakes of one address at its rate, once it has had its burst', async () => {
    const body = async ({ io, script, ends, client }: Stage): Promise<void> => {
      const from = io.clock.monotonic();
      for (let number = 0; number < 100; number++) client().onData(hello());
      await io.clock.sleep(1_400);
      // 20 at once, and one each 20 ms.
      assert.ok(ends.secured > 85 && ends.secured <= 90, `${ends.secured}`);
      const gaps = script.begun
        .slice(1)
        .map(({ atMs }, at) => atMs - (script.begun[at]?.atMs ?? 0));
      assert.ok(Math.min(...gaps) >= 4, `${Math.min(...gaps)}`);
      assert.ok((script.begun[0]?.atMs ?? 0) - from < 1);
    };
    await onStage(body, {}, true);
  });

  test('serves who comes beside an address that floods almost at once', async () => {
    const body = async ({ io, script, client }: Stage): Promise<void> => {
      for (let number = 0; number < 100; number++) client().onData(hello());
      await io.clock.sleep(10);
      const cameMs = io.clock.monotonic();
      client('10.0.0.9').onData(hello());
      await io.clock.sleep(50);
      const honest = script.begun.find(({ ip }) => ip === '10.0.0.9');
      assert.ok((honest?.atMs ?? Infinity) - cameMs <= 8, `${honest?.atMs} after ${cameMs}`);
    };
    await onStage(body, {}, true);
  });

  test('a failure of the handshake frees its place after the delay', async () => {
    await onStage(async ({ io, gate, script, ends, client }) => {
      client().onData(hello());
      script.open[0]?.end.reject(new IoError('EPROTO', 'no (EPROTO)'));
      await io.clock.sleep(50);
      assert.equal(gate.unfinishedCount, 1);
      await io.clock.sleep(60);
      assert.equal(gate.unfinishedCount, 0);
      assert.deepEqual(ends, { secured: 0, failed: 1, refused: [] });
      assert.equal(gate.failedCount, 1);
    });
  });

  test('closes everybody when the server closes, and lets nobody in afterwards', async () => {
    await onStage(async ({ io, gate, script, ends, client }) => {
      const [reading, begun] = [client(), client()];
      begun.onData(hello());
      gate.close();
      assert.ok(reading.isDestroyed && begun.isDestroyed);
      script.open[0]?.end.resolve(secured(begun));
      await io.clock.sleep(1);
      assert.deepEqual(ends, { secured: 0, failed: 2, refused: [] });
    });
  });

  test('holds nothing of a hundred thousand addresses that have gone', async () => {
    await onStage(async ({ io, gate, ends, client }) => {
      for (let number = 0; number < 100_000; number++) {
        const raw = client(`2001:db8::${number.toString(16)}`);
        raw.onData(Buffer.from('GET / HTTP/1.1'));
        if (number % 500 === 0) await io.clock.sleep(101);
      }
      await io.clock.sleep(101);
      assert.equal(gate.unfinishedCount, 0);
      assert.equal(ends.failed, 100_000 - ends.refused.length);
      assert.ok(gate.addressCount < 3_000, String(gate.addressCount));
    });
  });
});

test('a first flight that is changed anywhere is waited for, begun or refused, never more', () => {
  const prng = new Prng('hello');
  const found = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const bytes = hello(prng.int(600));
    for (let count = prng.int(4); count > 0; count--) bytes[prng.int(12)] = prng.int(256);
    const state = clientHelloState(bytes.subarray(0, prng.int(bytes.length + 1)));
    const key = typeof state === 'string' ? state : 'refused';
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  assert.deepEqual([...found.keys()].sort(), ['part', 'refused', 'whole']);
});
