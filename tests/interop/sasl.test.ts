// Clients that nobody here wrote prove to a broker of ours who they are, by each mechanism that
// they know: they produce, consume in a group, write in a transaction, and are refused with a wrong
// password or token, and for a right that they lack.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Admin, OffsetSpec } from '../../src/client/index.ts';
import {
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
} from '../../src/security/acl/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import type { Properties } from './client-program.ts';
import { confluentClient, franzClient, javaRelease } from './client-programs.ts';
import { ClientTable } from './client-table.ts';
import {
  kafkajsClient,
  kafkaToolsClient,
  kcatClient,
  platformaticClient,
  programClient,
  refusalText,
  type SecuredClient,
  toldBy,
} from './secured-clients.ts';
import { hasKafka, kafkaTool, kcat } from './toolchain.ts';

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;
type Mechanism = (typeof mechanisms)[number];

const java = 'org.apache.kafka.common.security';
const moduleOf = {
  PLAIN: `${java}.plain.PlainLoginModule`,
  'SCRAM-SHA-256': `${java}.scram.ScramLoginModule`,
  'SCRAM-SHA-512': `${java}.scram.ScramLoginModule`,
  OAUTHBEARER: `${java}.oauthbearer.OAuthBearerLoginModule`,
};
const prefix = 'listener.name.sasl_plaintext';
const scope = 'unsecuredValidatorRequiredScope="kafka"';
const config = {
  listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
  'sasl.enabled.mechanisms': mechanisms.join(','),
  [`${prefix}.plain.sasl.jaas.config`]: `${moduleOf.PLAIN} required user_alice="secret";`,
  [`${prefix}.oauthbearer.sasl.jaas.config`]: `${moduleOf.OAUTHBEARER} required ${scope};`,
  'connections.max.reauth.ms': '20000',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
};

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Without its scope the broker does not take it. */
function token(isRight: boolean): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: 'alice', iat: now, exp: now + 3600, scope: isRight ? 'kafka' : 'other' };
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

/** Nobody but a stranger may write to it. */
const closed = 'closed';
let broker: BrokerProcess;
let admin: Admin;
let directory: string;
let topics = 0;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-sasl-'));
  broker = await BrokerProcess.start({ config });
  admin = new Admin({
    bootstrapServers: broker.bootstrapServers,
    securityProtocol: 'SASL_PLAINTEXT',
    sasl: { mechanism: 'PLAIN', username: 'alice', password: 'secret' },
  });
  await admin.credentials.alter([
    { user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'secret' },
    { user: 'alice', mechanism: 'SCRAM-SHA-512', password: 'secret', iterations: 8192 },
  ]);
  await admin.createTopics([{ name: closed, numPartitions: 1 }]);
  const [made] = await admin.acls.create([
    {
      ...{ resourceType: AclResource.TOPIC, resourceName: closed },
      ...{ patternType: AclPattern.LITERAL, principal: 'User:stranger', host: '*' },
      ...{ operation: AclOperation.WRITE, permissionType: AclPermission.ALLOW },
    },
  ]);
  assert.equal(made?.error, null);
});

after(async () => {
  for (const { client } of clients) await client.close();
  await admin?.close();
  await broker?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function newTopic(): Promise<string> {
  const topic = `t${++topics}`;
  const [made] = await admin.createTopics([{ name: topic, numPartitions: 1 }]);
  assert.equal(made?.error, null);
  return topic;
}

/** Behind what was committed. */
async function endOf(topic: string): Promise<number | undefined> {
  const query = { topic, partition: 0, timestamp: OffsetSpec.latest };
  const [listed] = await admin.listOffsets([query], { isolationLevel: 'read_committed' });
  return listed?.offset;
}

/** As whom the client comes: alice, or somebody who cannot prove to be her. */
interface Who {
  readonly mechanism: Mechanism;
  readonly isRight: boolean;
}

const passwordOf = ({ isRight }: Who): string => (isRight ? 'secret' : 'wrong');

/** As Java's clients take it, all in one line. */
function javaProperties(who: Who): Properties {
  const claims = ['String', 'sub="alice"', 'List', `scope="|${who.isRight ? 'kafka' : 'other'}"`];
  const [kind, subject, list, scopes] = claims;
  const options =
    who.mechanism === 'OAUTHBEARER'
      ? `unsecuredLogin${kind}Claim_${subject} unsecuredLogin${list}Claim_${scopes}`
      : `username="alice" password="${passwordOf(who)}"`;
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': who.mechanism,
    'sasl.jaas.config': `${moduleOf[who.mechanism]} required ${options};`,
  };
}

/** It is told nothing, and tries until its time is up. */
function oldJavaProperties(who: Who): Properties {
  return { ...javaProperties(who), ...(who.isRight ? {} : { 'max.block.ms': 2000 }) };
}

function librdkafkaProperties(who: Who): Properties {
  const common = {
    ...{ 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': who.mechanism },
    ...(who.isRight ? {} : { 'message.timeout.ms': 2000 }),
  };
  if (who.mechanism !== 'OAUTHBEARER') {
    return { ...common, 'sasl.username': 'alice', 'sasl.password': passwordOf(who) };
  }
  return {
    ...common,
    'enable.sasl.oauthbearer.unsecure.jwt': 'true',
    'sasl.oauthbearer.config': `principal=alice scope=${who.isRight ? 'kafka' : 'other'}`,
  };
}

function franzProperties(who: Who): Properties {
  return {
    'sasl.mechanism': who.mechanism,
    username: 'alice',
    password: passwordOf(who),
    ...(who.mechanism === 'OAUTHBEARER' ? { token: token(who.isRight) } : {}),
  };
}

function kafkajsSettings(who: Who) {
  const bearer = async () => ({ value: token(who.isRight) });
  const sasl =
    who.mechanism === 'OAUTHBEARER'
      ? { mechanism: 'oauthbearer', oauthBearerProvider: bearer }
      : {
          mechanism: who.mechanism.toLowerCase(),
          ...{ username: 'alice', password: passwordOf(who) },
        };
  return { sasl: sasl as never };
}

function platformaticSettings(who: Who) {
  const { mechanism } = who;
  if (mechanism === 'OAUTHBEARER') return { sasl: { mechanism, token: token(who.isRight) } };
  return { sasl: { mechanism, username: 'alice', password: passwordOf(who) } };
}

interface Known {
  readonly client: SecuredClient<Who>;
  /** What the client calls a wrong password. */
  readonly refusal: RegExp;
  /** What it calls a right that it lacks. */
  readonly lack: RegExp;
}

const exception = /SaslAuthenticationException/;
const topicException = /TopicAuthorizationException/;
const credentials = /Invalid username or password|invalid credentials with SASL mechanism/;

const clients: readonly Known[] = [
  {
    client: toldBy(
      kafkaToolsClient(() => directory),
      javaProperties,
    ),
    refusal: exception,
    lack: topicException,
  },
  ...['4.4.0', '2.8.2', '1.1.1'].map((release): Known => {
    const client = toldBy(programClient(javaRelease(release)), javaProperties);
    return { client, refusal: exception, lack: topicException };
  }),
  {
    client: toldBy(programClient(javaRelease('0.10.2.0')), oldJavaProperties),
    // Handshakes of version 0 have no room for what is wrong: the connection ends.
    refusal: /TimeoutException.*metadata/,
    lack: topicException,
  },
  {
    client: toldBy(programClient(confluentClient), librdkafkaProperties),
    refusal: /_MSG_TIMED_OUT|_AUTHENTICATION/,
    lack: /TOPIC_AUTHORIZATION_FAILED/,
  },
  {
    client: toldBy(programClient(franzClient), franzProperties),
    // It takes what a broker says of a token for something that it does not know.
    refusal: /SASL_AUTHENTICATION_FAILED|unexpected data in oauth response/,
    lack: /TOPIC_AUTHORIZATION_FAILED/,
  },
  {
    client: toldBy(kcatClient, librdkafkaProperties),
    refusal: new RegExp(`${credentials.source}|insufficient_scope`),
    lack: /Topic authorization failed/,
  },
  {
    client: toldBy(kafkajsClient, kafkajsSettings),
    // It goes on when the broker says what is wrong with a token.
    refusal: /KafkaJSSASLAuthenticationError|not valid given the current SASL state/,
    lack: /not authorized|authorization failed/i,
  },
  {
    client: toldBy(platformaticClient, platformaticSettings),
    refusal: /SASL|authentication/i,
    lack: /not authorized|authorization failed/i,
  },
];

/**
 * librdkafka before 2.6.1 does not send the nonce that it was given, which Apache Kafka has refused
 * since CVE-2024-56128: 4.3.1 answers it as we do.
 */
async function repeatsNonces(name: string, mechanism: Mechanism): Promise<boolean> {
  if (name !== kcatClient.name || !mechanism.startsWith('SCRAM')) return false;
  const { stdout, stderr } = await kcat(['-V']);
  const [, major, minor] = /librdkafka (\d+)\.(\d+)/.exec(stdout + stderr) ?? [];
  return Number(major) < 2 || (Number(major) === 2 && Number(minor) < 6);
}

async function assertRefused(sent: Promise<unknown>, refusal: RegExp): Promise<void> {
  await assert.rejects(sent, (error: Error) => {
    assert.match(refusalText(error), refusal);
    return true;
  });
}

const works = 'produces and consumes in a group';
const transacts = 'writes in a transaction';
const lies = 'is refused with a wrong password or token';
const lacks = 'is refused for a right that it lacks';

/** Cells without a test. */
const without: readonly (readonly [RegExp, string])[] = [
  [
    /^kafka-clients [12]\..* × OAUTHBEARER/,
    'it needs Jackson, which does not come with the client',
  ],
  [/^kafka-clients 4\..* × OAUTHBEARER/, "the same: Kafka's tools, which bring it, stand for all"],
  [/^kafka-clients 0\.10.* × OAUTHBEARER/, 'it came with 2.0'],
  [/^kafka-clients 0\.10.* × SCRAM/, 'it needs a class that Java has dropped (javax.xml.bind)'],
  [/^(kcat|kafka-clients 0\.10).* transaction$/, 'they know none'],
];

// They wait more than they work: for logins that are tried again, and polls.
describe('clients by SASL', { concurrency: 4 }, () => {
  const table = new ClientTable();
  for (const { client, refusal, lack } of clients) {
    for (const mechanism of mechanisms) {
      const right = { mechanism, isRight: true };
      const has = (outcome: string): boolean => {
        const name = `${client.name} × ${mechanism} × ${outcome}`;
        return without.every(([cells]) => !cells.test(name));
      };
      const cell = (outcome: string, run: (servers: string) => Promise<void>): void => {
        if (!has(outcome)) return;
        table.cell(client.name, mechanism, outcome, async (t) => {
          if (!client.isPresent(t)) return;
          const servers = broker.bootstrapServers;
          if (outcome === lies || !(await repeatsNonces(client.name, mechanism))) {
            await run(servers);
          } else {
            await assertRefused(client.produce(servers, right, closed, 'v'), credentials);
          }
        });
      };

      cell(works, async (servers) => {
        const topic = await newTopic();
        await client.produce(servers, right, topic, mechanism);
        assert.equal(await client.consume(servers, right, topic), mechanism);
      });
      cell(transacts, async (servers) => {
        const topic = await newTopic();
        await client.transact(servers, right, topic, mechanism);
        assert.equal(await endOf(topic), 2);
      });
      cell(lies, async (servers) => {
        const sent = client.produce(servers, { mechanism, isRight: false }, 't', 'v');
        await assertRefused(sent, refusal);
      });
      cell(lacks, async (servers) => {
        await assertRefused(client.produce(servers, right, closed, 'v'), lack);
      });
    }
  }
  const outcomes = [works, transacts, lies, lacks];
  const names = clients.map(({ client }) => client.name);
  table.assertWhole({ clients: names, mechanisms, outcomes, without });
});

test("Kafka's tools alter users of SCRAM, who are let in", async (t) => {
  if (!hasKafka(t)) return;
  const propertiesFile = (name: string, properties: Properties): string => {
    const path = join(directory, name);
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(path, lines.join(''));
    return path;
  };
  const asAlice = javaProperties({ mechanism: 'SCRAM-SHA-256', isRight: true });
  const at = ['--bootstrap-server', broker.bootstrapServers];
  const user = ['--entity-type', 'users', '--entity-name', 'bob'];
  const add = 'SCRAM-SHA-256=[iterations=8192,password=builder]';
  const right = propertiesFile('right.properties', asAlice);
  const alter = [...at, '--command-config', right, '--alter', '--add-config', add, ...user];
  const altered = await kafkaTool('kafka-configs', alter);
  assert.match(altered.stdout, /Completed updating config for user bob/, altered.stderr);
  const ofBob = 'username="bob" password="builder"';
  const jaas = `${moduleOf['SCRAM-SHA-256']} required ${ofBob};`;
  const bob = propertiesFile('bob.properties', { ...asAlice, 'sasl.jaas.config': jaas });
  const listed = await kafkaTool('kafka-topics', [...at, '--command-config', bob, '--list']);
  assert.equal(listed.code, 0, listed.stderr);
});
