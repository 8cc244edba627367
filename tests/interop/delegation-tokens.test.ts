// Delegation tokens beside Apache Kafka 4.3.1: odd requests are answered alike, the tools of each
// work with the brokers of the other and print the same, and a token of either lets clients of the
// other in.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import {
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  Admin,
  Consumer,
  type DelegationTokenDescription,
  Producer,
} from '../../src/client/index.ts';
import type { ClientConnection } from '../../src/network/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import { KafkaBroker } from './authorization/kafka-broker.ts';
import { javaRelease } from './client-programs.ts';
import { Asker, stepsOf } from './delegation-tokens/steps.ts';
import {
  connectionOf,
  propertiesOf,
  scramModule,
  tokenBrokerConfig,
  type User,
  users,
} from './delegation-tokens/token-broker.ts';
import { hasKafka, kafkaTool } from './toolchain.ts';

const directory = mkdtempSync(join(tmpdir(), 'partita-tokens-'));
let ours: BrokerProcess;
let kafka: KafkaBroker | null = null;

before(async () => {
  ours = await BrokerProcess.start({
    config: { ...tokenBrokerConfig, listeners: 'SASL_PLAINTEXT://127.0.0.1:0' },
  });
  await giveRights(ours.port);
});

after(async () => {
  await ours?.dispose();
  kafka?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function kafkaBroker(t: TestContext): Promise<KafkaBroker | null> {
  if (!hasKafka(t)) return null;
  if (kafka === null) {
    kafka = await KafkaBroker.start(tokenBrokerConfig, 'SASL_PLAINTEXT');
    await giveRights(kafka.port);
  }
  return kafka;
}

function adminOf(user: User, port: number): Admin {
  return new Admin({
    bootstrapServers: `127.0.0.1:${port}`,
    securityProtocol: 'SASL_PLAINTEXT',
    sasl: { mechanism: 'PLAIN', username: user, password: `${user}-secret` },
  });
}

/** What some users may do with tokens of others; alice may use the topic. */
async function giveRights(port: number): Promise<void> {
  const admin = adminOf('admin', port);
  const { TOPIC, GROUP, DELEGATION_TOKEN, USER } = AclResource;
  const { CREATE_TOKENS, DESCRIBE_TOKENS, DESCRIBE, ALL } = AclOperation;
  const acls = (
    [
      ['alice', USER, 'User:carol', CREATE_TOKENS],
      ['bob', USER, 'Group:g', CREATE_TOKENS],
      ['bob', USER, 'User:alice', DESCRIBE_TOKENS],
      ['dave', DELEGATION_TOKEN, '*', DESCRIBE],
      ['alice', TOPIC, 't', ALL],
      ['alice', GROUP, '*', ALL],
    ] as const
  ).map(([user, resourceType, resourceName, operation]) => ({
    ...{ resourceType, resourceName, operation, principal: `User:${user}`, host: '*' },
    ...{ patternType: AclPattern.LITERAL, permissionType: AclPermission.ALLOW },
  }));
  for (const { error } of await admin.acls.create(acls)) assert.equal(error, null);
  const [made] = await admin.createTopics([{ name: 't', numPartitions: 1, replicationFactor: 1 }]);
  assert.equal(made?.error, null);
  await admin.close();
}

async function connectionsOf(port: number): Promise<Map<User, ClientConnection>> {
  const all = users.map(async (user) => [user, await connectionOf(user, port)] as const);
  return new Map(await Promise.all(all));
}

/** What is decided reaches a broker of Kafka a little later than whoever asked for it. */
const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

test('odd requests are answered as Apache Kafka answers them', { timeout: 120_000 }, async (t) => {
  const other = await kafkaBroker(t);
  if (other === null) return;
  const connections = [await connectionsOf(ours.port), await connectionsOf(other.port)] as const;
  const [our, theirs] = connections.map((each) => new Asker(each)) as [Asker, Asker];
  for (const [index, step] of stepsOf(Number(process.env.TOKENS_SEED ?? 1), 60).entries()) {
    const [answer, expected] = await Promise.all([our.ask(step), theirs.ask(step)]);
    assert.equal(answer, expected, `step ${index}: ${JSON.stringify(step)}`);
    await Promise.all([our.settle(), theirs.settle()]);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const each of connections) for (const one of each.values()) one.close();
});

type Tool = (args: readonly string[]) => Promise<ProgramResult>;

const ourTool: Tool = (args) => {
  return runProgram(join(projectRoot, 'bin/kafka-delegation-tokens.sh'), args);
};
const kafkasTool: Tool = (args) => kafkaTool('kafka-delegation-tokens', args);

/** What the tool prints, from the making of a token to its end. */
async function printed(tool: Tool, port: number): Promise<string[]> {
  const config = join(directory, 'alice.properties');
  const properties = Object.entries(propertiesOf('alice'));
  writeFileSync(config, properties.map(([key, value]) => `${key}=${value}\n`).join(''));
  const at = ['--bootstrap-server', `127.0.0.1:${port}`, '--command-config', config];
  const lines: string[] = [];
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tool([...at, ...args]);
    assert.equal(code, 0, stderr);
    lines.push(masked(stdout));
    await rest();
    return stdout;
  };
  const renewers = ['--renewer-principal', 'User:bob', '--renewer-principal', 'User:carol'];
  const made = await run('--create', '--max-life-time-period', '-1', ...renewers);
  const hmac = /([A-Za-z0-9+/]{86}==)/.exec(made)?.[1] ?? '';
  const owner = ['--owner-principal', 'User:carol'];
  const others = await run('--create', '--max-life-time-period', '3600000', ...owner);
  const describe = ['--describe', '--owner-principal', 'User:bob'];
  await run(...describe);
  await run('--renew', '--renew-time-period', '7200000', '--hmac', hmac);
  await run('--expire', '--expiry-time-period', '60000', '--hmac', hmac);
  await run('--expire', '--expiry-time-period', '-1', '--hmac', hmac);
  await run(...describe);
  const secret = /([A-Za-z0-9+/]{86}==)/.exec(others)?.[1] ?? '';
  const refused = await tool([
    ...at,
    ...['--renew', '--renew-time-period', '-1', '--hmac', secret],
  ]);
  assert.equal(refused.code, 1);
  return lines;
}

/** Tokens are in no order, which is not compared. */
function masked(text: string): string {
  const lines = unnamed(text).split('\n');
  const isToken = (line: string): boolean => line.startsWith('ID ');
  return [...lines.filter((line) => !isToken(line)), ...lines.filter(isToken).sort()].join('\n');
}

const unnamed = (text: string): string =>
  text
    .replace(/[A-Za-z0-9+/]{86}==/g, 'HMAC')
    .replace(/\b[\w-]{22}(?=\s)/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d/g, 'DATE');

test('the tools print the same, with either broker', { timeout: 120_000 }, async (t) => {
  const other = await kafkaBroker(t);
  if (other === null) return;
  const [expected, own] = await Promise.all([
    printed(kafkasTool, other.port),
    printed(ourTool, ours.port),
  ]);
  assert.deepEqual(own, expected);
  const crossed = [printed(kafkasTool, ours.port), printed(ourTool, other.port)];
  for (const each of await Promise.all(crossed)) assert.deepEqual(each, expected);
});

async function tokenOf(user: User, port: number): Promise<DelegationTokenDescription> {
  const admin = adminOf(user, port);
  const token = await admin.tokens.create();
  const isKnown = async (): Promise<boolean> => {
    return (await admin.tokens.describe()).some(({ tokenId }) => tokenId === token.tokenId);
  };
  while (!(await isKnown())) await rest();
  // Brokers of Kafka compute what they check it with a little later.
  await rest();
  await admin.close();
  return token;
}

describe('a client with a token', () => {
  test('of Java produces and consumes with a broker of ours', async (t) => {
    const kind = javaRelease('4.4.0');
    if (!kind.isPresent(t)) return;
    const { tokenId, hmac } = await tokenOf('alice', ours.port);
    const program = await kind.start(ours.bootstrapServers);
    try {
      for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
        const login = `username="${tokenId}" password="${hmac.toString('base64')}"`;
        const properties = {
          'security.protocol': 'SASL_PLAINTEXT',
          'sasl.mechanism': mechanism,
          'sasl.jaas.config': `${scramModule} required ${login} tokenauth="true";`,
        };
        const sent = await program.produce('t', [{ key: 'k', value: mechanism }], { properties });
        assert.equal(sent.length, 1);
        const member = await program.join(`g-${mechanism}`, 't', properties);
        const read = await member.take((sent[0] as number) + 1, 30_000);
        assert.equal(read.at(-1)?.value, mechanism);
        await member.leave();
      }
    } finally {
      await program.kill();
    }
  });

  for (const whose of ['Apache Kafka', 'our own']) {
    test(`of ours produces and consumes with a broker of ${whose}`, async (t) => {
      const broker = whose === 'our own' ? ours : await kafkaBroker(t);
      if (broker === null) return;
      const { tokenId, hmac } = await tokenOf('alice', broker.port);
      const options = {
        bootstrapServers: `127.0.0.1:${broker.port}`,
        securityProtocol: 'SASL_PLAINTEXT',
        sasl: {
          mechanism: 'SCRAM-SHA-512',
          username: tokenId,
          password: hmac.toString('base64'),
          tokenAuth: true,
        },
      } as const;
      const producer = new Producer(options);
      const { offset } = await producer.send({ topic: 't', value: Buffer.from(whose) });
      await producer.close();
      const consumer = new Consumer(options);
      consumer.assign([{ topic: 't', partition: 0, offset }]);
      const [record] = await consumer.poll(20_000);
      assert.equal(String(record?.value), whose);
      await consumer.close();
      const admin = new Admin(options);
      await assert.rejects(admin.tokens.create(), {
        errorName: 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED',
      });
      await admin.close();
    });
  }
});
