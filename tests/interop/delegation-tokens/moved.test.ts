// The directory of a broker with tokens, and with a secret of the cluster, in its metadata: taken
// by Apache Kafka, which lets in with the tokens, and given back.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, type DelegationTokenDescription } from '../../../src/client/index.ts';
import { freePort } from '../clusters/ports.ts';
import { ServerProcess } from '../kafka-files/server-process.ts';
import { hasKafka } from '../toolchain.ts';
import { tokenBrokerConfig } from './token-broker.ts';

function adminOf(port: number, login: object): Admin {
  const bootstrapServers = `127.0.0.1:${port}`;
  const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'alice-secret', ...login };
  return new Admin({ bootstrapServers, securityProtocol: 'SASL_PLAINTEXT', sasl });
}

/** Whether the broker lets in with the token; one that has just started may not know it yet. */
async function assertTaken(port: number, token: DelegationTokenDescription): Promise<void> {
  const password = token.hmac.toString('base64');
  const login = { mechanism: 'SCRAM-SHA-256', username: token.tokenId, password, tokenAuth: true };
  for (let attempt = 0; ; attempt++) {
    const admin = adminOf(port, login);
    try {
      const { nodes } = await admin.describeCluster();
      assert.equal(nodes.length, 1);
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(100);
    } finally {
      await admin.close();
    }
  }
}

test('a directory with tokens is taken by Kafka and given back', async (t) => {
  if (!hasKafka(t)) return;
  const server = await ServerProcess.prepare({ quorum: 'in file' });
  t.after(() => server.dispose());
  const [port, controllerPort] = [await freePort(), await freePort()];
  const plaintext = `PLAINTEXT://127.0.0.1:${server.port}`;
  const listeners = `${plaintext},SASL_PLAINTEXT://127.0.0.1:${port}`;
  const protocolMap = 'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT';
  const { 'authorizer.class.name': _, ...config } = tokenBrokerConfig;
  const changes = {
    ...config,
    listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': protocolMap,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
  };
  const lines = Object.entries(changes).map(([key, value]) => `${key}=${value}\n`);
  appendFileSync(server.file, lines.join(''));

  await server.start('partita');
  const admin = adminOf(port, {});
  const token = await admin.tokens.create({ renewers: [{ name: 'bob' }] });
  await admin.close();
  await assertTaken(port, token);
  await server.stop();

  await server.start('kafka');
  await assertTaken(port, token);
  const atKafka = adminOf(port, {});
  assert.deepEqual(await atKafka.tokens.describe(), [token]);
  const expiryTimestamp = await atKafka.tokens.renew(token.hmac, 7_200_000);
  const topics = Array.from({ length: 100 }, (_, n) => ({ name: `t${n}`, numPartitions: 1 }));
  for (const { error } of await atKafka.createTopics(topics)) assert.equal(error, null);
  await atKafka.close();
  await server.stop();

  await server.start('partita');
  await assertTaken(port, token);
  const again = adminOf(port, {});
  assert.deepEqual(await again.tokens.describe(), [{ ...token, expiryTimestamp }]);
  await again.close();
  await server.stop();
});
