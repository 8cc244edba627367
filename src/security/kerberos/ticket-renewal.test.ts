// When tickets are got anew.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { FakeGssapi } from '../../../tests/doubles/io/fake-gssapi.ts';
import type { TicketSource } from '../../io/gssapi/index.ts';
import type { Io } from '../../io/index.ts';
import { renewalDefaults, TicketRenewal, ticketRenewalOf } from './ticket-renewal.ts';

const keytab: TicketSource = { kind: 'keytab', keyTab: '/a.keytab', principal: 'alice@R' };
const cache: TicketSource = { kind: 'cache', path: null, principal: null };
const hourMs = 3_600_000;

interface At {
  readonly io: Io;
  readonly gssapi: FakeGssapi;
  readonly renewal: (...sources: TicketSource[]) => TicketRenewal;
}

function withTickets(run: (at: At) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const gssapi = new FakeGssapi();
    const renewal = (...sources: TicketSource[]): TicketRenewal =>
      new TicketRenewal(io, gssapi, sources);
    await run({ io, gssapi, renewal });
  });
}

test('tickets are got once for all connections, and anew after four fifths of their life', () =>
  withTickets(async ({ io, gssapi, renewal }) => {
    const tickets = renewal(keytab);
    const [first, same] = await Promise.all([tickets.get(), tickets.get()]);
    assert.equal(first, same);
    await io.clock.sleep(hourMs * 0.79);
    assert.equal(await tickets.get(), first);
    await io.clock.sleep(hourMs * 0.06);
    assert.notEqual(await tickets.get(), first);
    assert.equal(gssapi.got.length, 2);
    await io.clock.sleep(hourMs);
    await tickets.get();
    assert.equal(gssapi.held, 2, 'the last ones, and those before');
  }));

test('a renewal that fails costs nothing while tickets last, and rests before the next', () =>
  withTickets(async ({ io, gssapi, renewal }) => {
    const tickets = renewal(keytab);
    const first = await tickets.get();
    await io.clock.sleep(hourMs * 0.9);
    gssapi.refuseTickets(2);
    assert.equal(await tickets.get(), first);
    assert.equal(await tickets.get(), first);
    assert.equal(gssapi.got.length, 2, 'the second try has to rest');
    await io.clock.sleep(60_000);
    assert.equal(await tickets.get(), first);
    assert.equal(gssapi.got.length, 3);
    await io.clock.sleep(60_000);
    assert.notEqual(await tickets.get(), first);
  }));

test('without valid tickets each connection asks for some', () =>
  withTickets(async ({ io, gssapi, renewal }) => {
    const tickets = renewal(keytab);
    gssapi.refuseTickets(2);
    await assert.rejects(tickets.get(), /cannot be/);
    await assert.rejects(tickets.get(), /cannot be/);
    const first = await tickets.get();
    await io.clock.sleep(hourMs);
    gssapi.refuseTickets(1);
    await assert.rejects(tickets.get(), /cannot be/);
    assert.notEqual(await tickets.get(), first);
  }));

test('a cache is renewed by kinit when it is due, and a keytab stands in for it', () =>
  withTickets(async ({ io, gssapi, renewal }) => {
    const tickets = renewal(cache, keytab);
    await tickets.get();
    await io.clock.sleep(hourMs * 0.9);
    gssapi.refuseTickets(1);
    await tickets.get();
    assert.deepEqual(gssapi.got, [
      'cache cached@EXAMPLE.COM',
      'renew',
      'cache cached@EXAMPLE.COM',
      'keytab alice@R',
    ]);
  }));

test('all clients of one identity share its tickets', () =>
  withTickets(async ({ io, gssapi }) => {
    const of = (principal: string): TicketRenewal => {
      const sources = [{ ...keytab, principal }] as const;
      return ticketRenewalOf(io, gssapi, sources, renewalDefaults);
    };
    assert.equal(of('alice'), of('alice'));
    assert.notEqual(of('alice'), of('bob'));
  }));
