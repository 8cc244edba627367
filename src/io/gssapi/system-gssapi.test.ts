// What is asked of the library is given back to it, once, and not beneath a call that is under way:
// over a library that is a double and counts. The real one is in tests/interop/kerberos-tokens.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deferred } from '../../base/deferred.ts';
import type { Cell, GssBuffer, GssLibrary, Pointer } from './gss-library.ts';
import { type GssContext, GssError, type GssStep } from './gssapi.ts';
import { SystemGssapi } from './system-gssapi.ts';

const failed = 0xd_0000;
const continueNeeded = 1;

type Kind = 'name' | 'buffer' | 'credential' | 'context' | 'cache' | 'krb5';

class FakeLibrary {
  readonly held = new Map<bigint, Kind>();
  readonly destroyed: string[] = [];
  /** Answers of the calls for credentials and contexts; none: success. */
  readonly results: number[] = [];
  /** What calls on other threads wait for. */
  gate: Promise<void> = Promise.resolve();
  /** The flags of a context. */
  made = 2 | 32;
  clientName: Buffer = Buffer.from('alice@R');
  readonly #bytes = new Map<bigint, Buffer>();
  #next = 1n;

  kinds(): Kind[] {
    return [...this.held.values()].sort();
  }

  get library(): GssLibrary {
    const of = (call: (...args: never[]) => number): never => {
      const async = (...args: never[]): void => {
        const done = args.pop() as unknown as (error: null, result: number) => void;
        void this.gate.then(() => done(null, call(...args)));
      };
      return Object.assign(call, { async }) as never;
    };
    const open = (kind: Kind, cell: Cell<Pointer>, result = 0): number => {
      cell[0] = this.#take(kind);
      return result;
    };
    const give = (kind: Kind, cell: Cell<Pointer>): number => {
      assert.equal(this.held.get(cell[0] as bigint), kind, 'it is given back once');
      this.held.delete(cell[0] as bigint);
      cell[0] = null;
      return 0;
    };
    const write = (output: GssBuffer, bytes: Buffer): number => {
      output.value = this.#take('buffer');
      output.length = bytes.length;
      this.#bytes.set(output.value as bigint, bytes);
      return 0;
    };
    const result = (): number => this.results.shift() ?? 0;
    const gss = {
      importName: of((_m, _t: GssBuffer, _k, name: Cell<Pointer>) => open('name', name)),
      displayName: of((_m, _n, output: GssBuffer) => write(output, this.clientName)),
      displayStatus: of((_m, _s, _t, _o, _c, output: GssBuffer) =>
        write(output, Buffer.from('why\n\u001b[31m')),
      ),
      acquireCred: of(
        (_m, _n, _s, _k, _u, _o, handle: Cell<Pointer>, _a, seconds: Cell<number>): number => {
          const major = result();
          if (major !== 0) return major;
          seconds[0] = 60;
          return open('credential', handle);
        },
      ),
      initContext: of(
        (_m, credential: Pointer, handle: Cell<Pointer>, ...rest: unknown[]): number => {
          assert.equal(this.held.get(credential as bigint), 'credential');
          const [output, made] = rest.slice(7) as unknown as [GssBuffer, Cell<number>];
          handle[0] ??= this.#take('context');
          made[0] = this.made;
          write(output, Buffer.from('token'));
          return result();
        },
      ),
      acceptContext: of((_m, handle: Cell<Pointer>, credential: Pointer, ...rest: unknown[]) => {
        assert.equal(this.held.get(credential as bigint), 'credential');
        const name = rest[2] as Cell<Pointer>;
        const [output, made] = rest.slice(4) as unknown as [GssBuffer, Cell<number>];
        write(output, Buffer.from('token'));
        made[0] = this.made;
        const major = result();
        if (major >= failed) return major;
        open('name', name);
        handle[0] ??= this.#take('context');
        return major;
      }),
      wrap: of((_m, _c, _e, _q, _i, _s, output: GssBuffer) => write(output, Buffer.from('signed'))),
      unwrap: of((_m, _c, _i, output: GssBuffer) => {
        const major = result();
        return major === 0 ? write(output, Buffer.from('message')) : major;
      }),
      releaseName: of((_m, name: Cell<Pointer>) => give('name', name)),
      releaseCred: of((_m, handle: Cell<Pointer>) => give('credential', handle)),
      releaseBuffer: of((_m, buffer: GssBuffer) =>
        give('buffer', [buffer.value as Pointer] as Cell<Pointer>),
      ),
      deleteContext: of((_m, handle: Cell<Pointer>) => give('context', handle)),
    };
    const krb5 = {
      initContext: of((context: Cell<Pointer>) => open('krb5', context)),
      freeContext: of((context: Pointer) => give('krb5', [context])),
      getDefaultRealm: of((_c, realm: Cell<Pointer>) => open('buffer', realm)),
      freeDefaultRealm: of((_c, realm: Pointer) => give('buffer', [realm])),
      resolveCache: of((_c, name: string, cache: Cell<Pointer>) => {
        this.destroyed.push(name);
        return open('cache', cache);
      }),
      destroyCache: of((_c, cache: Pointer) => give('cache', [cache])),
    };
    const constants = { mechanism: 1n, mechanisms: 1n, hostBasedService: 1n, principalName: 1n };
    return {
      ...{ gss, krb5, ...constants },
      bytesAt: (pointer) => this.#bytes.get(pointer as bigint) as Buffer,
      textAt: () => 'REALM',
    };
  }

  #take(kind: Kind): bigint {
    const pointer = this.#next++;
    this.held.set(pointer, kind);
    return pointer;
  }
}

interface At {
  readonly fake: FakeLibrary;
  readonly gssapi: SystemGssapi;
}

/** At the end nothing is held. */
async function withLibrary(run: (at: At) => Promise<void> | void): Promise<void> {
  const fake = new FakeLibrary();
  await run({ fake, gssapi: new SystemGssapi(fake.library) });
  assert.deepEqual(fake.kinds(), []);
}

const keysOf = { keyTab: '/k', principal: 'kafka/host' };
const ticketsOf = { kind: 'keytab', keyTab: '/k', principal: 'alice' } as const;
const token = Buffer.from('x');

test('a realm, keys and tickets are given back', () =>
  withLibrary(async ({ fake, gssapi }) => {
    assert.equal(gssapi.defaultRealm(), 'REALM');
    const keys = gssapi.openKeys(keysOf);
    const tickets = await gssapi.getTickets(ticketsOf);
    assert.equal(tickets.lifetimeMs, 60_000);
    assert.deepEqual(fake.kinds(), ['credential', 'credential']);
    keys.release();
    tickets.release();
    tickets.release();
    assert.deepEqual(fake.destroyed, ['MEMORY:partita-1']);
  }));

test('nothing is held of what was refused', () =>
  withLibrary(async ({ fake, gssapi }) => {
    fake.results.push(failed, failed, failed, failed, 0, 0, failed, failed);
    // Text of the library in a line of a log: no line ends, no terminal is steered.
    assert.throws(() => gssapi.openKeys(keysOf), { name: 'GssError', message: 'why??[31m' });
    // The keys are looked for then: without them and with them.
    await assert.rejects(gssapi.getTickets(ticketsOf), GssError);
    await assert.rejects(gssapi.getTickets(ticketsOf), GssError);
    const keys = gssapi.openKeys(keysOf);
    const context = keys.accept();
    assert.throws(() => context.next(token), GssError);
    assert.throws(() => context.next(token), GssError);
    context.release();
    keys.release();
  }));

describe('a context', () => {
  test('holds its keys until it is given back itself, and is of no use then', () =>
    withLibrary(({ fake, gssapi }) => {
      const keys = gssapi.openKeys(keysOf);
      const context = keys.accept();
      keys.release();
      assert.equal(context.next(token).peer?.name, 'alice@R');
      assert.equal(context.wrap(token).toString(), 'signed');
      assert.equal(context.unwrap(token).toString(), 'message');
      fake.results.push(failed);
      assert.throws(() => context.unwrap(token), GssError);
      assert.deepEqual(fake.kinds(), ['context', 'credential']);
      context.release();
      context.release();
      for (const use of [() => context.next(token), () => context.wrap(token)]) {
        assert.throws(use, /there is no context/);
      }
      assert.throws(() => keys.accept(), /is gone/);
    }));

  test('is not for an anonymous client, nor for one whose name is no text', () =>
    withLibrary(({ fake, gssapi }) => {
      const keys = gssapi.openKeys(keysOf);
      fake.made |= 64;
      const anonymous = keys.accept();
      assert.throws(() => anonymous.next(token), /anonymous/);
      anonymous.release();
      fake.made = 2;
      fake.clientName = Buffer.from([0x61, 0xff]);
      const odd = keys.accept();
      assert.throws(() => odd.next(token), /not UTF-8/);
      odd.release();
      keys.release();
    }));

  test('of a client goes on until the service has proven itself', () =>
    withLibrary(async ({ fake, gssapi }) => {
      const tickets = await gssapi.getTickets(ticketsOf);
      const context = tickets.initiate('kafka', 'host');
      fake.results.push(continueNeeded);
      assert.equal((await context.next(Buffer.alloc(0))).peer, null);
      assert.equal((await context.next(token)).peer?.name, 'kafka@host');
      context.release();
      fake.made = 0;
      const other = tickets.initiate('kafka', 'host');
      await assert.rejects(other.next(token), /has not proven who it is/);
      other.release();
      tickets.release();
    }));

  test('that is given back beneath a call goes behind it, and nobody makes a second call', () =>
    withLibrary(async ({ fake, gssapi }) => {
      const tickets = await gssapi.getTickets(ticketsOf);
      const context: GssContext<Promise<GssStep>> = tickets.initiate('kafka', 'host');
      const opened = new Deferred<void>();
      fake.gate = opened.promise;
      const call = context.next(token);
      await assert.rejects(context.next(token), /there is no context/);
      context.release();
      tickets.release();
      assert.deepEqual(fake.kinds(), ['credential', 'name']);
      opened.resolve();
      await assert.rejects(call, /there is no context/);
    }));
});
