// OAUTHBEARER with tokens of a real OpenID provider, which runs as a process of its own: clients
// show it an id and a secret, it signs a token, and the broker checks that with the keys that the
// provider publishes. Wrong secrets, tokens for others, tokens that are over, and keys that change.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Admin, Consumer, Producer, type SaslOptions } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import type { Properties } from './client-program.ts';
import { confluentClient, franzClient } from './client-programs.ts';
import { ClientTable } from './client-table.ts';
import type { OidcClient } from './oidc/provider-process.ts';
import {
  kafkaToolsClient,
  programClient,
  refusalText,
  type SecuredClient,
  toldBy,
} from './secured-clients.ts';
import { cacheFolder, present } from './toolchain.ts';

const text = readFileSync(join(projectRoot, 'tests/interop/oidc/provider/package.json'), 'utf8');
const version = /"oidc-provider": "(.*)"/.exec(text)?.[1] as string;
const folder = cacheFolder(`oidc-provider-${version}`);
const isThere = existsSync(join(folder, '.complete'));
const hasProvider = (t: TestContext): boolean => present(t, isThere, `oidc-provider ${version}`);

const registered: readonly OidcClient[] = [
  { id: 'alice', secret: 'alices-secret', audience: 'kafka', lifetimeSeconds: 3600 },
  { id: 'stranger', secret: 'strangers-secret', audience: 'somewhere', lifetimeSeconds: 3600 },
  { id: 'brief', secret: 'briefs-secret', audience: 'kafka', lifetimeSeconds: 1 },
];

/** Who comes to the provider with which secret, or with a token that it has had. */
interface Who {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
  /** Tells it from the same of before, whose token is kept. */
  readonly clientId?: string;
}

const alice: Who = registered[0] as OidcClient;
const stranger: Who = registered[1] as OidcClient;
const brief: Who = registered[2] as OidcClient;
const allowedUrls = 'org.apache.kafka.sasl.oauthbearer.allowed.urls';

let directory = '';
let provider: ChildProcess;
let lines: Interface;
let issuer = '';
let broker: BrokerProcess;
let admin: Admin;
let topics = 0;
/** Of before its key was forgotten; and one that is over when the tests begin. */
const tokens = { old: '', over: '' };

function nextLine(): Promise<string> {
  return new Promise((resolve) => lines.once('line', resolve));
}

/** What the provider says to an id and a secret. */
async function tokenOf({ id, secret }: Who): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const body = (await answer.json()) as { access_token?: string; error?: string };
  if (body.access_token === undefined) throw new Error(`the provider: ${body.error}`);
  return body.access_token;
}

before(async () => {
  if (!isThere) return;
  directory = mkdtempSync(join(tmpdir(), 'partita-oidc-'));
  const program = fileURLToPath(new URL('./oidc/provider-process.js', import.meta.url));
  provider = spawn(process.execPath, [program, folder, JSON.stringify(registered)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  lines = createInterface({ input: provider.stdout as NodeJS.ReadableStream });
  issuer = `http://127.0.0.1:${(await nextLine()).split(' ')[1]}`;
  tokens.over = await tokenOf(brief);
  const prefix = 'listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer';
  const urls = [`${issuer}/token`, `${issuer}/jwks`].join(',');
  // The programs of Java ask for leave, too.
  process.env.JAVA_TOOL_OPTIONS = `-D${allowedUrls}=${urls}`;
  broker = await BrokerProcess.start({
    env: { KAFKA_OPTS: `-D${allowedUrls}=${urls}` },
    config: {
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
      'sasl.enabled.mechanisms': 'OAUTHBEARER',
      [`${prefix}.jwks.endpoint.url`]: `${issuer}/jwks`,
      [`${prefix}.jwks.endpoint.refresh.ms`]: '1000',
      [`${prefix}.expected.audience`]: 'kafka',
      [`${prefix}.expected.issuer`]: issuer,
      [`${prefix}.clock.skew.seconds`]: '0',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Nobody else may do anything: who comes in has to be her.
      'super.users': 'User:alice',
      'group.initial.rebalance.delay.ms': '0',
      'offsets.topic.num.partitions': '1',
    },
  });
  const { bootstrapServers } = broker;
  const sasl = ownSettings(alice);
  admin = new Admin({ bootstrapServers, securityProtocol: 'SASL_PLAINTEXT', sasl });
});

after(async () => {
  for (const client of clients) await client.close();
  await admin?.close();
  await broker?.dispose();
  provider?.kill();
  if (directory !== '') rmSync(directory, { recursive: true });
});

function ownSettings({ id, secret, token }: Who): SaslOptions {
  if (token !== undefined) return { mechanism: 'OAUTHBEARER', token: () => token };
  const tokenEndpointUrl = `${issuer}/token`;
  return { mechanism: 'OAUTHBEARER', tokenEndpointUrl, clientId: id, clientSecret: secret };
}

const ownClient: SecuredClient<SaslOptions> = {
  name: 'partita/client',
  hasTransactions: false,
  isPresent: () => true,
  async produce(bootstrapServers, sasl, topic, value) {
    const producer = new Producer({ bootstrapServers, securityProtocol: 'SASL_PLAINTEXT', sasl });
    try {
      await producer.send({ topic, value: Buffer.from(value) });
    } finally {
      await producer.close();
    }
  },
  async consume(bootstrapServers, sasl, topic) {
    const consumer = new Consumer({
      ...{ bootstrapServers, securityProtocol: 'SASL_PLAINTEXT', sasl },
      ...{ groupId: topic, autoOffsetReset: 'earliest' },
    });
    consumer.subscribe([topic]);
    let values: string[] = [];
    while (values.length < 1) {
      values = (await consumer.poll(1000)).map((record) => String(record.value));
    }
    await consumer.close();
    return values[0] as string;
  },
  transact: () => Promise.reject(new Error('it is not asked for')),
  close: async () => {},
};

function javaProperties({ id, secret }: Who): Properties {
  const login = 'org.apache.kafka.common.security.oauthbearer';
  const who = `clientId="${id}" clientSecret="${secret}"`;
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.login.callback.handler.class': `${login}.OAuthBearerLoginCallbackHandler`,
    'sasl.oauthbearer.token.endpoint.url': `${issuer}/token`,
    'sasl.login.retry.backoff.max.ms': 100,
    'sasl.jaas.config': `${login}.OAuthBearerLoginModule required ${who};`,
  };
}

function librdkafkaProperties({ id, secret, clientId = 'test' }: Who): Properties {
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'client.id': clientId,
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.oauthbearer.method': 'oidc',
    'sasl.oauthbearer.client.id': id,
    'sasl.oauthbearer.client.secret': secret,
    'sasl.oauthbearer.token.endpoint.url': `${issuer}/token`,
    ...(id === 'alice' && secret === alice.secret ? {} : { 'message.timeout.ms': 2000 }),
  };
}

/** It brings tokens and leaves it to the application to get them. */
const franz = programClient(franzClient);
const franzWithTokens: SecuredClient<Who> = {
  ...franz,
  produce: async (servers, who, topic, value) =>
    franz.produce(servers, await franzProperties(who), topic, value),
  consume: async (servers, who, topic) => franz.consume(servers, await franzProperties(who), topic),
  transact: () => Promise.reject(new Error('it is not asked for')),
};

async function franzProperties(who: Who): Promise<Properties> {
  return { 'sasl.mechanism': 'OAUTHBEARER', token: who.token ?? (await tokenOf(who)) };
}

const own = toldBy(ownClient, ownSettings);
const clients: readonly SecuredClient<Who>[] = [
  own,
  toldBy(
    kafkaToolsClient(() => directory),
    javaProperties,
  ),
  toldBy(programClient(confluentClient), librdkafkaProperties),
  franzWithTokens,
];

const invalid =
  /invalid_token|SaslAuthenticationException|_MSG_TIMED_OUT|unexpected data in oauth response/;
const noToken =
  /\/token answered 401|invalid_client|UnretryableException|KafkaException|_MSG_TIMED_OUT/;

async function assertRefused(sent: Promise<unknown>, refusal: RegExp): Promise<void> {
  await assert.rejects(sent, (error: Error) => {
    assert.match(refusalText(error), refusal);
    return true;
  });
}

async function work(client: SecuredClient<Who>, who: Who): Promise<void> {
  const topic = `t${++topics}`;
  const [made] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  assert.equal(made?.error, null);
  await client.produce(broker.bootstrapServers, who, topic, 'v');
  assert.equal(await client.consume(broker.bootstrapServers, who, topic), 'v');
}

const works = 'works with a token of the provider';
const hasWrongSecret = 'is refused by the provider for a wrong secret';
const isForOthers = 'is refused with a token for others';
const isOver = 'is refused with a token that is over';
const rotated = 'works when the key of the provider was changed';
const isOld = 'is refused with a token of the key of before';
const bringsTokens = [own, franzWithTokens];

describe('clients with an OpenID provider', { concurrency: 1 }, () => {
  const table = new ClientTable();
  const cells = (
    outcome: string,
    run: (client: SecuredClient<Who>) => Promise<void>,
    those = clients,
  ): void => {
    for (const client of those) {
      table.cell(client.name, 'OAUTHBEARER', outcome, async (t) => {
        if (client.isPresent(t) && hasProvider(t)) await run(client);
      });
    }
  };
  const servers = (): string => broker.bootstrapServers;

  cells(works, (client) => work(client, alice));
  cells(hasWrongSecret, (client) => {
    const liar = { ...alice, secret: 'wrong' };
    return assertRefused(client.produce(servers(), liar, 't', 'v'), noToken);
  });
  cells(isForOthers, (client) =>
    assertRefused(client.produce(servers(), stranger, 't', 'v'), invalid),
  );
  cells(
    isOver,
    (client) => {
      const who = { ...brief, token: tokens.over };
      return assertRefused(client.produce(servers(), who, 't', 'v'), invalid);
    },
    bringsTokens,
  );

  test('the provider forgets its key', async (t) => {
    if (!hasProvider(t)) return;
    tokens.old = await tokenOf(alice);
    const done = nextLine();
    provider.stdin?.write('\n');
    assert.equal(await done, 'rotated');
  });
  cells(rotated, (client) => work(client, { ...alice, clientId: 'anew' }));
  cells(
    isOld,
    (client) => {
      const who = { ...alice, token: tokens.old };
      return assertRefused(client.produce(servers(), who, 't', 'v'), invalid);
    },
    bringsTokens,
  );

  table.assertWhole({
    clients: clients.map(({ name }) => name),
    mechanisms: ['OAUTHBEARER'],
    outcomes: [works, hasWrongSecret, isForOthers, isOver, rotated, isOld],
    without: [
      [
        /^(Kafka's|confluent).* (that is over|of before)$/,
        'they ask for a token when they need one',
      ],
    ],
  });
});
