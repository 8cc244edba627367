// What listeners may be, and what is said about those that may not.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatListener } from './listeners.ts';
import { loadBrokerConfig } from './load-broker-config.ts';

const load = (settings: Record<string, string>) =>
  loadBrokerConfig({ overrides: Object.entries(settings) }).config;

function refuses(settings: Record<string, string>, pattern: RegExp): void {
  assert.throws(() => load(settings), { name: 'ConfigError', message: pattern });
}

describe('listeners', () => {
  test('a listener has a name, a host and a port', () => {
    const { listeners } = load({ listeners: 'plaintext://broker-1.example.com:9092' });
    assert.deepEqual(listeners, [
      { name: 'PLAINTEXT', host: 'broker-1.example.com', port: 9092, protocol: 'PLAINTEXT' },
    ]);
  });

  test('an IPv6 host stands in brackets, and is written back in them', () => {
    const [listener] = load({ listeners: 'PLAINTEXT://[::1]:9092' }).listeners;
    assert.equal(listener?.host, '::1');
    assert.equal(listener && formatListener(listener), 'PLAINTEXT://[::1]:9092');
    refuses({ listeners: 'PLAINTEXT://::1:9092' }, /brackets/);
    refuses({ listeners: 'PLAINTEXT://[host]:9092' }, /brackets hold an IPv6 address/);
  });

  test('names of their own need a protocol in the map', () => {
    const map = 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT';
    const settings = { listeners: 'INSIDE://:9092,OUTSIDE://:9094' };
    const config = load({
      ...settings,
      'listener.security.protocol.map': map,
      'inter.broker.listener.name': 'inside',
    });
    assert.deepEqual(
      config.listeners.map((listener) => listener.name),
      ['INSIDE', 'OUTSIDE'],
    );
    assert.equal(config.interBrokerListenerName, 'INSIDE');
    refuses(settings, /listeners: no protocol is known: add INSIDE:PLAINTEXT/);
  });

  test('names and ports must differ, but IPv4 and IPv6 may share a port, and 0 is any port', () => {
    const map = { 'listener.security.protocol.map': 'A:PLAINTEXT,B:PLAINTEXT' };
    refuses({ ...map, listeners: 'A://:1,A://:2' }, /listener A comes twice/);
    refuses({ ...map, listeners: 'A://:1,B://127.0.0.1:1' }, /port 1 comes twice/);
    assert.equal(load({ ...map, listeners: 'A://0.0.0.0:1,B://[::]:1' }).listeners.length, 2);
    assert.equal(load({ ...map, listeners: 'A://:0,B://:0' }).listeners.length, 2);
  });

  test('what is no listener is said with key and value', () => {
    refuses({ listeners: '' }, /listeners: expected a list that is not empty/);
    refuses({ listeners: 'localhost:9092' }, /Invalid value localhost:9092 .* name:\/\/host:port/);
    refuses({ listeners: 'PLAINTEXT://:70000' }, /a port is from 0 to 65535/);
    refuses({ listeners: 'PLAINTEXT://host' }, /expected name:\/\/host:port/);
    refuses({ 'listener.security.protocol.map': 'A:TLS' }, /A:TLS .* PLAINTEXT, SSL/);
    refuses({ 'listener.security.protocol.map': 'A:SSL,a:SSL' }, /the name comes twice/);
  });

  test('advertised addresses belong to listeners and must be reachable', () => {
    const ok = load({ 'advertised.listeners': 'PLAINTEXT://kafka:29092' });
    assert.deepEqual(ok.advertisedListeners, [
      { name: 'PLAINTEXT', host: 'kafka', port: 29092, protocol: 'PLAINTEXT' },
    ]);
    assert.deepEqual(load({}).advertisedListeners, []);
    refuses({ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, /every interface/);
    refuses({ 'advertised.listeners': 'SSL://a:1' }, /SSL is not among listeners: PLAINTEXT/);
  });

  test('the listener between brokers must exist, and be named in one way', () => {
    refuses({ 'inter.broker.listener.name': 'X' }, /X .* not among listeners: PLAINTEXT/);
    refuses(
      { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
      /keep one of them/,
    );
  });

  test('limits per address are read, IPv6 in brackets', () => {
    const config = load({ 'max.connections.per.ip.overrides': '10.0.0.1:5, [::1]:7,host:0' });
    assert.deepEqual(
      [...config.connectionsPerIpOverrides],
      [
        ['10.0.0.1', 5],
        ['::1', 7],
        ['host', 0],
      ],
    );
    refuses({ 'max.connections.per.ip.overrides': '10.0.0.1' }, /expected address:count/);
    refuses({ 'max.connections.per.ip': '0' }, /nobody could connect/);
  });
});
