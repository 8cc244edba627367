// GSSAPI, both sides of it, over a Kerberos that is a double: what is said in which order, what is
// refused, and that nothing stays behind. The real Kerberos is in tests/interop/kerberos.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { FakeGssapi, wrapped } from '../../../tests/doubles/io/fake-gssapi.ts';
import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { principalText } from '../principal.ts';
import { SaslError, type SaslExchange, type SaslServer } from '../sasl/sasl-exchange.ts';
import { gssapiLogin } from './gssapi-login.ts';
import { gssapiServer } from './gssapi-server.ts';
import { localNames } from './local-names.ts';
import { TicketRenewal } from './ticket-renewal.ts';

interface At {
  readonly io: Io;
  readonly gssapi: FakeGssapi;
  readonly server: (endsWithTicket?: boolean) => SaslServer;
  readonly client: (host?: string) => SaslExchange;
}

/** Runs with both sides; at the end nothing but keys and tickets is held. */
function withBoth(run: (at: At) => Promise<void> | void): Promise<void> {
  return simulate(async (io) => {
    const gssapi = new FakeGssapi();
    const keys = gssapi.openKeys({ keyTab: null, principal: null });
    const names = localNames(['DEFAULT'], 'EXAMPLE.COM');
    const source = { kind: 'keytab', keyTab: null, principal: 'alice@EXAMPLE.COM' } as const;
    const tickets = new TicketRenewal(io, gssapi, [source]);
    await run({
      io,
      gssapi,
      server: (endsWithTicket = false) =>
        gssapiServer({ clock: io.clock, keys, localNames: names, endsWithTicket }),
      client: (host = 'broker') => gssapiLogin(tickets, 'kafka').start(host),
    });
    assert.equal(gssapi.held, 1 + new Set(gssapi.got).size, 'contexts are given back');
  });
}

const ticket = (name = 'alice@EXAMPLE.COM'): Buffer => Buffer.from(`ticket:${name}:kafka/broker`);
const empty = Buffer.alloc(0);
const choice = (authzid = '', layer = 1): Buffer =>
  wrapped(Buffer.concat([Buffer.from([layer, 0, 0, 0]), Buffer.from(authzid)]));

function refusal(error: unknown): SaslError {
  assert.ok(error instanceof SaslError, String(error));
  return error;
}

for (const hasMutual of [true, false]) {
  test(`a client is who its ticket says${hasMutual ? '' : ', also if it wants no proof'}`, () =>
    withBoth(async ({ gssapi, server, client }) => {
      gssapi.hasMutual = hasMutual;
      const [theirs, ours] = [server(), client()];
      let token = await ours.next(null);
      const seen: string[] = [];
      for (;;) {
        assert.ok(token !== null);
        seen.push(token.toString('latin1'));
        const step = await theirs.next(token);
        seen.push(step.token.toString('latin1'));
        token = await ours.next(step.token);
        if (step.identity === null) continue;
        assert.equal(principalText(step.identity.principal), 'User:alice');
        assert.equal(step.identity.expiresAtMs, null);
        break;
      }
      assert.equal(token, null, 'the client has nothing more to say');
      const layers = 'signed:\x01\0\0\0';
      const proof = hasMutual ? ['proof', ''] : [];
      assert.deepEqual(seen, [
        'ticket:alice@EXAMPLE.COM:kafka/broker',
        ...proof,
        layers,
        layers,
        '',
      ]);
      ours.release?.();
    }));
}

describe('the server', () => {
  const through = async (server: SaslServer, last: Buffer, name?: string) => {
    await server.next(ticket(name));
    await server.next(empty);
    return server.next(last);
  };

  test('takes whoever the client wants to be for the one of its ticket, as Kafka does', () =>
    withBoth(async ({ server }) => {
      for (const authzid of ['', 'alice@EXAMPLE.COM', 'kafka@broker', 'bob']) {
        const { identity } = await through(server(), choice(authzid));
        assert.equal(identity?.principal.name, 'alice', authzid);
      }
    }));

  test('ends a session that is to end with its ticket', () =>
    withBoth(async ({ io, server }) => {
      const { identity } = await through(server(true), choice());
      assert.equal(identity?.expiresAtMs, io.clock.now() + 3_600_000);
    }));

  test('refuses what is no ticket, and what is not signed', () =>
    withBoth(async ({ server }) => {
      const refused = (name: string, tokens: readonly Buffer[], why: RegExp): void => {
        const one = server();
        const last = tokens.at(-1) as Buffer;
        for (const token of tokens.slice(0, -1)) one.next(token);
        assert.throws(
          () => one.next(last),
          (error) => why.test(refusal(error).message),
          name,
        );
      };
      const made = [ticket(), empty];
      refused('nothing', [empty], /Invalid token/);
      refused('garbage', [Buffer.from('\0\x01\x02')], /Invalid token/);
      refused('a second ticket', [ticket(), ticket()], /behind the last of the context/);
      refused('no signature', [...made, Buffer.from([1, 0, 0, 0])], /signature is wrong/);
      refused('too short', [...made, wrapped(Buffer.from([1, 0, 0]))], /in 3 bytes/);
      refused('no layer at all', [...made, choice('', 0)], /layer 0/);
      refused('integrity', [...made, choice('', 2)], /layer 2/);
      refused('two layers', [...made, choice('', 3)], /layer 3/);
      refused('a part of a ticket', [Buffer.from('more:')], /first token is not enough/);
    }));

  test('has no user for a name that no rule applies to, and says so', () =>
    withBoth(async ({ server }) => {
      const error = await through(server(), choice(), 'alice@OTHER').catch((why) => refusal(why));
      assert.ok(error instanceof SaslError);
      assert.match(error.message, /alice@OTHER: no rule/);
      assert.match(error.told ?? '', /no user for this Kerberos principal/);
    }));

  test('gives back an exchange that does not go on', () =>
    withBoth(({ server }) => {
      const one = server();
      one.next(ticket());
      one.release?.();
      one.release?.();
    }));
});

describe('the client', () => {
  const failure = (exchange: SaslExchange, challenge: Buffer | null): Promise<Error> =>
    Promise.resolve(exchange.next(challenge)).then(
      () => assert.fail('it went on'),
      (error) => {
        exchange.release?.();
        return error;
      },
    );

  test('signs nothing for a server that is not who it should be', () =>
    withBoth(async ({ client }) => {
      const one = client();
      await one.next(null);
      // Nothing proves that it is the service.
      assert.match(
        (await failure(one, Buffer.from('other'))).message,
        /GSSAPI: kafka@broker: it is not/,
      );
      const demanding = client();
      await demanding.next(null);
      await demanding.next(Buffer.from('proof'));
      const demand = wrapped(Buffer.from([6, 0, 16, 0]));
      assert.match((await failure(demanding, demand)).message, /demands that Kerberos encrypts/);
      const silent = client();
      await silent.next(null);
      await silent.next(Buffer.from('proof'));
      assert.match((await failure(silent, wrapped(empty))).message, /in 0 bytes/);
      const huge = client();
      await huge.next(null);
      assert.match((await failure(huge, Buffer.alloc(200_000))).message, /200000 bytes/);
    }));

  test('says which service Kerberos does not know', () =>
    withBoth(async ({ client }) => {
      const error = await failure(client('unknown'), null);
      assert.match(error.message, /GSSAPI: kafka@unknown: Server not found/);
      assert.ok(!(error instanceof KafkaError));
    }));

  test('takes a KDC that does not answer for the network', () =>
    withBoth(async ({ gssapi, client }) => {
      gssapi.refuseTickets(1);
      gssapi.held++; // No tickets came of that call.
      const error = await failure(client(), null);
      assert.ok(error instanceof KafkaError);
      assert.equal(error.errorName ?? error.name, 'NETWORK_EXCEPTION');
    }));

  test('gives back a context that comes when the connection is gone', () =>
    withBoth(async ({ client }) => {
      const one = client();
      const token = Promise.resolve(one.next(null));
      one.release?.();
      await assert.rejects(token, /the connection is gone/);
    }));
});
