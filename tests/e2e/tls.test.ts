// TLS as its users set it up: real processes, whose clients and brokers show certificates to each
// other, and keys that are exchanged while they run.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { Admin, Consumer, Producer } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { golden, keyPassword, storePassword } from '../doubles/security/key-stores.ts';
import { runProgram } from '../run-program.ts';
import { argumentsWith, directory, inOwnFolders, launcher, Started } from './started-brokers.ts';

inOwnFolders();

const keystore = {
  'ssl.keystore.location': golden('openssl.p12'),
  'ssl.keystore.password': storePassword,
};
const truststore = {
  'ssl.truststore.location': golden('java17-trust.p12'),
  'ssl.truststore.password': storePassword,
};
const security = {
  securityProtocol: 'SSL',
  ssl: {
    keystoreLocation: golden('store.jks'),
    keystorePassword: storePassword,
    keyPassword,
    truststoreLocation: golden('trust.jks'),
    truststorePassword: storePassword,
  },
} as const;

function clientProperties(texts: Readonly<Record<string, string>>): string {
  const path = join(directory, 'client.properties');
  const all = { 'security.protocol': 'SSL', ...texts };
  writeFileSync(
    path,
    Object.entries(all)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  return path;
}

/** The organisational unit in the certificate that a listener shows. */
async function unitShownAt(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(golden('root.pem')) });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerX509Certificate() ?? assert.fail();
  socket.destroy();
  return /^OU=(.*)$/m.exec(subject)?.[1];
}

describe('three brokers that show certificates to each other', () => {
  test('replicate, and serve whoever shows one', async () => {
    const config = {
      ...{ listeners: 'SSL://127.0.0.1:0', 'security.inter.broker.protocol': 'SSL' },
      ...{ 'ssl.client.auth': 'required', 'group.initial.rebalance.delay.ms': '0' },
      ...keystore,
      ...truststore,
    };
    const flags = Object.entries(config).flatMap(([key, text]) => ['--override', `${key}=${text}`]);
    const parent = new Started(process.execPath, argumentsWith('--brokers', '3', ...flags));
    await parent.prints(/Ctrl-C stops all of them/);
    const ready = [...parent.output.matchAll(/^partita ready SSL:\/\/(127\.0\.0\.1:\d+) /gm)];
    assert.equal(ready.length, 3, parent.output);
    const bootstrapServers = ready.map(([, address]) => address as string);
    const admin = new Admin({ bootstrapServers, ...security });
    const [made] = await admin.createTopics([
      {
        name: 't',
        numPartitions: 3,
        replicationFactor: 3,
        configs: { 'min.insync.replicas': '3' },
      },
    ]);
    assert.equal(made?.error, null);
    const producer = new Producer({ bootstrapServers, ...security });
    for (const partition of [0, 1, 2]) {
      await producer.send({ topic: 't', partition, value: Buffer.from(`v${partition}`) });
    }
    await producer.close();
    const consumer = new Consumer({
      ...{ bootstrapServers, ...security, groupId: 'g', autoOffsetReset: 'earliest' },
    });
    consumer.subscribe(['t']);
    const values: string[] = [];
    while (values.length < 3) {
      for (const { value } of await consumer.poll(1_000)) values.push(String(value));
    }
    assert.deepEqual(values.sort(), ['v0', 'v1', 'v2']);
    await consumer.close();
    await admin.close();
    assert.doesNotMatch(parent.output, /changeit/);
  });
});

describe('a broker whose keys are exchanged', () => {
  test('takes over a file with other content when its configuration is altered', async () => {
    const path = join(directory, 'broker.store');
    copyFileSync(golden('store.jks'), path);
    const prefix = 'listener.name.ssl.ssl';
    const broker = await BrokerProcess.start({
      config: {
        listeners: 'SSL://127.0.0.1:0',
        'security.inter.broker.protocol': 'SSL',
        [`${prefix}.keystore.location`]: path,
        [`${prefix}.keystore.password`]: storePassword,
        [`${prefix}.key.password`]: keyPassword,
        'ssl.allow.dn.changes': 'true',
      },
    });
    try {
      const properties = clientProperties(truststore);
      const alter = (...configs: string[]) =>
        runProgram(process.execPath, [
          ...[launcher, 'kafka-configs', '--bootstrap-server', broker.bootstrapServers],
          ...['--command-config', properties, '--entity-type', 'brokers', '--entity-name', '1'],
          ...['--alter', '--add-config', configs.join(',')],
        ]);
      const admin = new Admin({ bootstrapServers: broker.bootstrapServers, ...security });
      await admin.listTopics();
      assert.equal(await unitShownAt(broker.port), 'ec');
      const keys = [
        `${prefix}.keystore.location=${path}`,
        `${prefix}.key.password=${storePassword}`,
      ];

      copyFileSync(golden('java8.p12'), path);
      const altered = await alter(...keys);
      assert.equal(altered.code, 0, altered.stderr);
      while ((await unitShownAt(broker.port)) !== 'rsa') await sleep(20);
      await admin.listTopics();

      writeFileSync(path, readFileSync(golden('java8.p12')).subarray(0, 500));
      const refused = await alter(...keys);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr + refused.stdout, /cannot be read as a key store/);
      const again = new Admin({ bootstrapServers: broker.bootstrapServers, ...security });
      await again.listTopics();
      assert.equal(await unitShownAt(broker.port), 'rsa');
      await admin.listTopics();
      await again.close();
      await admin.close();
      assert.doesNotMatch(broker.output, /changeit|keysecret/);
    } finally {
      await broker.dispose();
    }
  });
});
