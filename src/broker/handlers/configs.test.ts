// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs and ListConfigResources.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBroker } from '../../../tests/doubles/broker/brokers.ts';
import { type Log, LogLevels } from '../../io/index.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  alterConfigs,
  describeConfigs,
  ErrorCode,
  incrementalAlterConfigs,
  listConfigResources,
} from '../../protocol/index.ts';
import { alterBrokerLoggers, brokerLoggerEntries } from '../broker-loggers.ts';

const topicType = 2;
const brokerType = 4;

async function describe(
  client: ClientConnection,
  resourceType: number,
  resourceName: string,
  keys: readonly string[] | null = null,
) {
  const answer = await client.request(describeConfigs, {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: true,
    includeDocumentation: true,
  });
  return answer.results[0] as NonNullable<(typeof answer.results)[0]>;
}

async function set(
  client: ClientConnection,
  resource: readonly [type: number, name: string],
  [name, value, op = 0]: readonly [string, string | null, number?],
) {
  const [resourceType, resourceName] = resource;
  const configs = [{ name, configOperation: op, value }];
  const answer = await client.request(incrementalAlterConfigs, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: false,
  });
  return answer.responses[0]?.errorCode;
}

test('a topic is described with values, sources, synonyms and documentation', async () => {
  await withBroker(
    async ({ client, createTopic }) => {
      await createTopic('t', { configs: { 'segment.bytes': '2000000' } });
      const { configs } = await describe(client, topicType, 't');
      const by = new Map(configs.map((config) => [config.name, config]));
      const own = by.get('segment.bytes');
      assert.deepEqual([own?.value, own?.configSource, own?.configType], ['2000000', 1, 3]);
      assert.deepEqual(
        own?.synonyms.map(({ name, source }) => [name, source]),
        [
          ['segment.bytes', 1],
          ['log.segment.bytes', 5],
        ],
      );
      const fromFile = by.get('retention.bytes');
      assert.deepEqual([fromFile?.value, fromFile?.configSource], ['12345', 4]);
      const standard = by.get('max.message.bytes');
      assert.deepEqual([standard?.value, standard?.configSource], ['1048588', 5]);
      assert.ok((standard?.documentation?.length ?? 0) > 10);
    },
    { config: { 'log.retention.bytes': '12345' } },
  );
});

test('only the keys that are asked for are answered', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    const { configs } = await describe(client, topicType, 't', ['cleanup.policy', 'nonsense']);
    assert.deepEqual(
      configs.map((config) => config.name),
      ['cleanup.policy'],
    );
  });
});

test('a broker describes itself, keeps its secrets, and sends others away', async () => {
  await withBroker(
    async ({ client }) => {
      const { configs } = await describe(client, brokerType, '1');
      const secret = configs.find((config) => config.name === 'ssl.key.password');
      assert.deepEqual([secret?.value, secret?.isSensitive], [null, true]);
      const dirs = configs.find((config) => config.name === 'log.dirs');
      assert.deepEqual([dirs?.value, dirs?.readOnly], ['/data', true]);
      assert.equal((await describe(client, brokerType, '7')).errorCode, ErrorCode.INVALID_REQUEST);
      const ofAll = (await describe(client, brokerType, '')).configs;
      assert.deepEqual(
        ofAll.map(({ name, value }) => [name, value]),
        // A new cluster has one for all brokers (KIP-966).
        [['min.insync.replicas', '1']],
      );
    },
    { config: { 'ssl.key.password': 'hush' } },
  );
});

test('what does not exist has its error', async () => {
  await withBroker(async ({ client }) => {
    const unknown = await describe(client, topicType, 'nope');
    assert.equal(unknown.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    assert.equal((await describe(client, 99, 'x')).errorCode, ErrorCode.INVALID_REQUEST);
  });
});

test('a change of a topic holds from the answer on', async () => {
  await withBroker(async ({ client, createTopic, produce }) => {
    await createTopic('t');
    assert.equal((await produce('t', ['x'.repeat(500)])).errorCode, 0);
    assert.equal(await set(client, [topicType, 't'], ['max.message.bytes', '100']), 0);
    const refused = await produce('t', ['x'.repeat(500)]);
    assert.equal(refused.errorCode, ErrorCode.MESSAGE_TOO_LARGE);
    assert.equal(await set(client, [topicType, 't'], ['max.message.bytes', null, 1]), 0);
    assert.equal((await produce('t', ['x'.repeat(500)])).errorCode, 0);
  });
});

test('a reference that is altered over the wire is text, whatever it refers to', async () => {
  process.env.PLANTED_POLICY = 'compact';
  try {
    await withBroker(async ({ client, createTopic }) => {
      await createTopic('t');
      for (const value of [`\${env:PLANTED_POLICY}`, `\${file:/planted.properties:policy}`]) {
        const code = await set(client, [topicType, 't'], ['cleanup.policy', value]);
        assert.equal(code, ErrorCode.INVALID_CONFIG);
        const loggable = await set(client, [brokerType, '1'], ['log.cleanup.policy', value]);
        assert.equal(loggable, ErrorCode.INVALID_REQUEST);
      }
      const { configs } = await describe(client, topicType, 't', ['cleanup.policy']);
      assert.equal(configs[0]?.value, 'delete');
    });
  } finally {
    delete process.env.PLANTED_POLICY;
  }
});

test('values are appended to and subtracted from lists', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    const policy = async () =>
      (await describe(client, topicType, 't', ['cleanup.policy'])).configs[0]?.value;
    assert.equal(await set(client, [topicType, 't'], ['cleanup.policy', 'compact', 2]), 0);
    assert.equal(await policy(), 'delete,compact');
    assert.equal(await set(client, [topicType, 't'], ['cleanup.policy', 'delete', 3]), 0);
    assert.equal(await policy(), 'compact');
    const notList = await set(client, [topicType, 't'], ['retention.ms', '5', 2]);
    assert.equal(notList, ErrorCode.INVALID_CONFIG);
  });
});

test('the legacy request replaces every override', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t', { configs: { 'retention.ms': '1000' } });
    const answer = await client.request(alterConfigs, {
      resources: [
        {
          resourceType: topicType,
          resourceName: 't',
          configs: [{ name: 'segment.bytes', value: '3000000' }],
        },
      ],
      validateOnly: false,
    });
    assert.equal(answer.responses[0]?.errorCode, 0);
    const { configs } = await describe(client, topicType, 't', ['retention.ms', 'segment.bytes']);
    assert.deepEqual(
      configs.map(({ value, configSource }) => [value, configSource]),
      [
        ['604800000', 5],
        ['3000000', 1],
      ],
    );
  });
});

test('a dynamic change of the broker is the default of topics, and is listed', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    assert.equal(await set(client, [brokerType, ''], ['log.retention.ms', '5000']), 0);
    const [retention] = (await describe(client, topicType, 't', ['retention.ms'])).configs;
    assert.deepEqual([retention?.value, retention?.configSource], ['5000', 3]);
    const { configs } = await describe(client, brokerType, '');
    assert.deepEqual(
      configs.map(({ name, value, configSource }) => [name, value, configSource]),
      [
        ['min.insync.replicas', '1', 3],
        ['log.retention.ms', '5000', 3],
      ],
    );
    const readOnly = await set(client, [brokerType, '1'], ['log.dirs', '/elsewhere']);
    assert.equal(readOnly, ErrorCode.INVALID_REQUEST);
    const nobody = await set(client, [brokerType, '9'], ['log.retention.ms', '5000']);
    assert.equal(nobody, ErrorCode.INVALID_REQUEST);
  });
});

test('resources and keys that are named twice are refused', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    const one = { name: 'retention.ms', configOperation: 0, value: '1' };
    const resource = (configs: readonly (typeof one)[]) => ({
      resourceType: topicType,
      resourceName: 't',
      configs,
    });
    for (const resources of [[resource([one]), resource([one])], [resource([one, one])]]) {
      const request = { resources, validateOnly: false };
      const { responses } = await client.request(incrementalAlterConfigs, request);
      for (const { errorCode } of responses) assert.equal(errorCode, ErrorCode.INVALID_REQUEST);
      assert.ok(responses.length > 0);
    }
  });
});

test('resources that can have overrides are listed', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    const { configResources } = await client.request(listConfigResources, {
      resourceTypes: [topicType, brokerType],
    });
    assert.deepEqual(
      configResources.map(({ resourceName, resourceType }) => [resourceName, resourceType]),
      [
        ['t', topicType],
        ['1', brokerType],
      ],
    );
  });
});

test('the levels of loggers are told and changed while the broker runs', async () => {
  await withBroker(async ({ client, io }) => {
    const loggerType = 8;
    assert.equal((await describe(client, loggerType, '7')).errorCode, ErrorCode.INVALID_REQUEST);
    assert.equal(io.log.levels, undefined);
    const refused = await set(client, [loggerType, '1'], ['root', 'DEBUG']);
    assert.equal(refused, ErrorCode.INVALID_REQUEST, 'a log without levels says so');
  });
  const levels = new LogLevels('info');
  levels.register('network');
  const log = { levels } as unknown as Log;
  const alter =
    (name: string, value: string | null, configOperation = 0) =>
    () =>
      alterBrokerLoggers(log, [{ name, configOperation, value }], false);
  alter('network', 'DEBUG')();
  assert.deepEqual(
    brokerLoggerEntries(log).map(({ name, value }) => `${name}=${value}`),
    ['root=INFO', 'network=DEBUG'],
  );
  alter('network', null, 1)();
  assert.equal(brokerLoggerEntries(log)[1]?.value, 'INFO');
  assert.throws(alter('nope', 'DEBUG'), { errorName: 'INVALID_CONFIG' });
  assert.throws(alter('root', 'LOUD'), { errorName: 'INVALID_CONFIG' });
  assert.throws(alter('root', null, 1), { errorName: 'INVALID_REQUEST' });
  assert.throws(alter('root', 'INFO', 2), { errorName: 'INVALID_REQUEST' });
});
