// Configuration changed while the broker runs: what takes effect at once, what is refused, what is
// shown, and what a restart finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import {
  port,
  startBroker,
  type TestBroker,
  withBroker,
} from '../../tests/doubles/broker/brokers.ts';
import { ConfigSource } from '../config/index.ts';
import { ClientConnection } from '../network/index.ts';
import { describeConfigs, ErrorCode, incrementalAlterConfigs } from '../protocol/index.ts';

const set = 0;
const remove = 1;
const broker = 4;
const topic = 2;

/** `name` is empty for all brokers. Values null are removed. */
async function alter(
  client: ClientConnection,
  resource: { readonly type: number; readonly name: string },
  values: Readonly<Record<string, string | null>>,
): Promise<{ errorCode: number; errorMessage: string | null }> {
  const configs = Object.entries(values).map(([name, value]) => {
    return { name, value, configOperation: value === null ? remove : set };
  });
  const resources = [{ resourceType: resource.type, resourceName: resource.name, configs }];
  const answer = await client.request(incrementalAlterConfigs, { resources, validateOnly: false });
  const [first] = answer.responses;
  return { errorCode: first?.errorCode ?? -1, errorMessage: first?.errorMessage ?? null };
}

const okay = { errorCode: 0, errorMessage: null };
const everyBroker = { type: broker, name: '' };
const thisBroker = { type: broker, name: '1' };

async function describe(client: ClientConnection, name: string, key: string) {
  const answer = await client.request(describeConfigs, {
    resources: [{ resourceType: broker, resourceName: name, configurationKeys: [key] }],
    includeSynonyms: true,
  });
  return answer.results[0]?.configs[0];
}

async function sendsLarge({ produce }: TestBroker): Promise<boolean> {
  const { errorCode } = await produce('t', ['x'.repeat(2000)]);
  assert.ok(errorCode === 0 || errorCode === ErrorCode.MESSAGE_TOO_LARGE, `${errorCode}`);
  return errorCode === 0;
}

test('the nearest limit, of all brokers, one, or a topic, is in force at once', async () => {
  await withBroker(async (at) => {
    const { client } = at;
    await at.createTopic('t');
    assert.equal(await sendsLarge(at), true);
    await alter(client, everyBroker, { 'message.max.bytes': '1000' });
    assert.equal(await sendsLarge(at), false);
    await alter(client, thisBroker, { 'message.max.bytes': '5000' });
    assert.equal(await sendsLarge(at), true);
    await alter(client, { type: topic, name: 't' }, { 'max.message.bytes': '900' });
    assert.equal(await sendsLarge(at), false);
    await alter(client, { type: topic, name: 't' }, { 'max.message.bytes': null });
    assert.equal(await sendsLarge(at), true);
    await alter(client, thisBroker, { 'message.max.bytes': null });
    assert.equal(await sendsLarge(at), false);
    await alter(client, everyBroker, { 'message.max.bytes': null });
    assert.equal(await sendsLarge(at), true);
  });
});

test('segments and retention of running topics follow the broker', async () => {
  await withBroker(async ({ io, client, createTopic, produce }) => {
    await createTopic('t');
    const interval = { 'log.segment.bytes': '1048576', 'log.retention.ms': '60000' };
    assert.equal((await alter(client, everyBroker, interval)).errorCode, 0);
    for (let i = 0; i < 3; i++) await produce('t', ['y'.repeat(700_000)]);
    const logs = (): number =>
      io.disk.list('/data/t-0').filter(({ name }) => name.endsWith('.log')).length;
    assert.equal(logs(), 3);
    await io.clock.sleep(15 * 60_000);
    assert.equal(logs(), 1);
  });
});

test('what only a restart changes, or what cannot be, is refused and changes nothing', async () => {
  await withBroker(async ({ client }) => {
    const refused: [resource: typeof everyBroker, key: string, value: string][] = [
      [thisBroker, 'broker.id', '3'],
      [everyBroker, 'num.partitions', '3'],
      [everyBroker, 'log.dirs', '/elsewhere'],
      [thisBroker, 'log.retention.ms', 'abc'],
      [everyBroker, 'log.retention.ms', '0'],
      [thisBroker, 'log.retention.ms', '-7'],
      [everyBroker, 'log.segment.bytes', '1'],
      [everyBroker, 'advertised.listeners', 'PLAINTEXT://x:1'],
      [thisBroker, 'advertised.listeners', 'NOBODY://x:1'],
      [{ type: broker, name: '9' }, 'log.retention.ms', '1000'],
    ];
    for (const [resource, key, value] of refused) {
      const { errorCode, errorMessage } = await alter(client, resource, { [key]: value });
      assert.equal(errorCode, ErrorCode.INVALID_REQUEST, `${key}=${value}`);
      assert.ok(errorMessage, key);
    }
    const entry = await describe(client, '1', 'log.retention.ms');
    assert.equal(entry?.configSource, ConfigSource.DEFAULT_CONFIG);
  });
});

test('a value is shown with where it comes from and what it hides', async () => {
  await withBroker(
    async ({ client }) => {
      const key = 'log.retention.ms';
      await alter(client, everyBroker, { [key]: '2000' });
      await alter(client, thisBroker, { [key]: '3000' });
      const own = await describe(client, '1', key);
      assert.equal(own?.value, '3000');
      assert.equal(own?.configSource, ConfigSource.DYNAMIC_BROKER_CONFIG);
      assert.deepEqual(
        own?.synonyms.map(({ name, value, source }) => [name, value, source]),
        [
          [key, '3000', ConfigSource.DYNAMIC_BROKER_CONFIG],
          [key, '2000', ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG],
          [key, '1000', ConfigSource.STATIC_BROKER_CONFIG],
          ['log.retention.hours', '168', ConfigSource.DEFAULT_CONFIG],
        ],
      );
      const all = await describe(client, '', key);
      assert.equal(all?.value, '2000');
      assert.equal(all?.configSource, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
    },
    { config: { 'log.retention.ms': '1000' } },
  );
});

test('changes are kept over a restart; a file that contradicts them stops nothing', async () => {
  await simulate(async (io) => {
    const connect = () => ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });
    const first = await startBroker(io);
    const client = await connect();
    await alter(client, thisBroker, { 'log.retention.ms': '3000', 'log.roll.ms': '2000' });
    client.close();
    await first.stop();
    const second = await startBroker(io);
    const again = await connect();
    assert.equal((await describe(again, '1', 'log.retention.ms'))?.value, '3000');
    const listeners = { listeners: `PLAINTEXT://0.0.0.0:${port}` };
    assert.deepEqual(await alter(again, thisBroker, listeners), okay);
    again.close();
    await second.stop();
    const third = await startBroker(io, {
      listeners: `OTHER://0.0.0.0:${port}`,
      'listener.security.protocol.map': 'OTHER:PLAINTEXT',
      'inter.broker.listener.name': 'OTHER',
    });
    const last = await connect();
    assert.equal((await describe(last, '1', 'log.retention.ms'))?.value, '3000', 'others stay');
    assert.equal((await describe(last, '1', 'log.roll.ms'))?.value, '2000');
    const removal = { listeners: null };
    assert.equal((await alter(last, thisBroker, removal)).errorCode, 0);
    assert.equal((await describe(last, '1', 'log.retention.ms'))?.value, '3000');
    last.close();
    await third.stop();
  });
});
