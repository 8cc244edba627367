// Clients that nobody here wrote over TLS, with and without certificates of their own: each works,
// and each is refused with the right error for an authority that it does not know, a wrong host
// name, an expired certificate, a certificate that it does not show, and a right that it lacks.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { Admin, OffsetSpec } from '../../src/client/index.ts';
import {
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
} from '../../src/security/acl/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { golden, storePassword } from '../doubles/security/key-stores.ts';
import { runProgram } from '../run-program.ts';
import type { Properties } from './client-program.ts';
import { confluentClient, franzClient, javaRelease } from './client-programs.ts';
import { ClientTable } from './client-table.ts';
import {
  kafkajsClient,
  kcatClient,
  platformaticClient,
  programClient,
  refusalText,
  type SecuredClient,
  toldBy,
} from './secured-clients.ts';
import { hasJava } from './toolchain.ts';

/** Brokers by what they show and demand. */
type Kind = 'open' | 'mutual' | 'expired';

const brokers = new Map<Kind, BrokerProcess>();
const admins = new Map<Kind, Admin>();
/** Nobody but a stranger may write to it. */
const closed = 'closed';
let directory = '';
let topics = 0;

const stores: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  open: { 'ssl.keystore.location': golden('java8.p12') },
  mutual: {
    'ssl.keystore.location': golden('java17.p12'),
    'ssl.client.auth': 'required',
    'ssl.truststore.location': golden('java8-trust.p12'),
    'ssl.truststore.password': storePassword,
  },
  expired: { 'ssl.keystore.location': golden('expired.p12') },
};
const config = {
  // Reached by 127.0.0.2 as well, which no certificate is for.
  ...{ listeners: 'SSL://0.0.0.0:0', 'security.inter.broker.protocol': 'SSL' },
  'ssl.keystore.password': storePassword,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
};

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-tls-'));
  const start = async (kind: Kind): Promise<void> => {
    brokers.set(kind, await BrokerProcess.start({ config: { ...config, ...stores[kind] } }));
    if (kind !== 'expired') await prepare(kind);
  };
  await Promise.all((['open', 'mutual', 'expired'] as const).map(start));
});

async function prepare(kind: 'open' | 'mutual'): Promise<void> {
  const ssl = {
    ...{ truststoreLocation: golden('root.pem'), truststoreType: 'PEM' },
    ...{ keystoreLocation: golden('openssl.p12'), keystorePassword: storePassword },
  };
  const admin = new Admin({ bootstrapServers: serversOf(kind), securityProtocol: 'SSL', ssl });
  admins.set(kind, admin);
  await admin.createTopics([{ name: closed, numPartitions: 1 }]);
  const [made] = await admin.acls.create([
    {
      ...{ resourceType: AclResource.TOPIC, resourceName: closed },
      ...{ patternType: AclPattern.LITERAL, principal: 'User:stranger', host: '*' },
      ...{ operation: AclOperation.WRITE, permissionType: AclPermission.ALLOW },
    },
  ]);
  assert.equal(made?.error, null);
}

after(async () => {
  for (const { client } of clients) await client.close();
  for (const admin of admins.values()) await admin.close();
  for (const broker of brokers.values()) await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

function serversOf(kind: Kind, host = 'localhost'): string {
  return `${host}:${(brokers.get(kind) as BrokerProcess).port}`;
}

async function newTopic(kind: Kind): Promise<string> {
  const topic = `t${++topics}`;
  const [made] = await (admins.get(kind) as Admin).createTopics([
    { name: topic, numPartitions: 1 },
  ]);
  assert.equal(made?.error, null);
  return topic;
}

/** Behind what was committed. */
async function endOf(kind: Kind, topic: string): Promise<number | undefined> {
  const query = { topic, partition: 0, timestamp: OffsetSpec.latest };
  const [listed] = await (admins.get(kind) as Admin).listOffsets([query], {
    isolationLevel: 'read_committed',
  });
  return listed?.offset;
}

type Refusal = 'authority' | 'host name' | 'expired' | 'certificate' | 'right';

/** Whom the client trusts, whether it shows a certificate, and as what it is to be refused. */
interface Shown {
  readonly trusts?: 'root' | 'old-root' | 'nobody';
  readonly isShown?: boolean;
  readonly isRefused?: boolean;
}

/** Before 2.7 there is no PEM, and before 2.0 host names are not checked by default. */
function javaProperties(since: 'PEM' | '0.9', shown: Shown): Properties {
  const { trusts = 'root', isShown = false, isRefused = false } = shown;
  const stores = { root: golden('trust.jks'), 'old-root': oldRoot(since), nobody: null };
  const path = stores[trusts];
  const type = path?.endsWith('.pem') ? 'PEM' : 'JKS';
  return {
    'security.protocol': 'SSL',
    ...(path === null ? {} : { 'ssl.truststore.location': path, 'ssl.truststore.type': type }),
    ...(path === null || type === 'PEM' ? {} : { 'ssl.truststore.password': storePassword }),
    ...(isShown ? { 'ssl.keystore.location': golden('java17.p12') } : {}),
    ...(isShown ? { 'ssl.keystore.password': storePassword, 'ssl.keystore.type': 'PKCS12' } : {}),
    ...(since === '0.9' ? { 'ssl.endpoint.identification.algorithm': 'https' } : {}),
    // It tells nobody why, and tries on.
    ...(since === '0.9' && isRefused ? { 'max.block.ms': 2000 } : {}),
  };
}

function oldRoot(since: 'PEM' | '0.9'): string {
  return since === 'PEM' ? golden('old-root.pem') : join(directory, 'old-root.jks');
}

function librdkafkaProperties({ trusts = 'root', isShown = false }: Shown): Properties {
  return {
    'security.protocol': 'SSL',
    ...(trusts === 'nobody' ? {} : { 'ssl.ca.location': golden(`${trusts}.pem`) }),
    ...(isShown ? { 'ssl.certificate.location': golden('chain.pem') } : {}),
    ...(isShown ? { 'ssl.key.location': golden('key.pem') } : {}),
  };
}

/** It tries on by itself until the record is too old. */
function pythonProperties(shown: Shown): Properties {
  const properties = librdkafkaProperties(shown);
  return shown.isRefused ? { ...properties, 'message.timeout.ms': 2000 } : properties;
}

function kcatProperties(shown: Shown): Properties {
  const algorithm = { 'ssl.endpoint.identification.algorithm': 'https' };
  const properties = { ...librdkafkaProperties(shown), ...algorithm };
  return shown.isRefused ? { ...properties, 'message.timeout.ms': 2000 } : properties;
}

const pem = (name: string): string => readFileSync(golden(name), 'utf8');

function nodeSettings({ trusts = 'root', isShown = false }: Shown) {
  const identity = { cert: pem('chain.pem'), key: pem('key.pem') };
  const ca = trusts === 'nobody' ? {} : { ca: [pem(`${trusts}.pem`)] };
  return { ...ca, ...(isShown ? identity : {}) };
}

interface Known {
  readonly client: SecuredClient<Shown>;
  /** What the client says. */
  readonly refusals: Readonly<Record<Refusal, RegExp>>;
}

function always(pattern: RegExp, right: RegExp): Readonly<Record<Refusal, RegExp>> {
  const of = { authority: pattern, 'host name': pattern, expired: pattern, certificate: pattern };
  return { ...of, right };
}

const java = always(
  /SslAuthenticationException|SSL handshake failed|post-handshake/,
  /TopicAuthorizationException/,
);
const clients: readonly Known[] = [
  ...['4.4.0', '2.8.2'].map((release): Known => {
    const client = programClient(javaRelease(release));
    return {
      client: toldBy(client, (shown: Shown) => javaProperties('PEM', shown)),
      refusals: java,
    };
  }),
  {
    client: toldBy(programClient(javaRelease('0.9.0.1')), (shown) => javaProperties('0.9', shown)),
    refusals: always(/TimeoutException.*metadata/, /TopicAuthorizationException/),
  },
  {
    client: toldBy(programClient(confluentClient), pythonProperties),
    refusals: always(/_MSG_TIMED_OUT/, /TOPIC_AUTHORIZATION_FAILED/),
  },
  {
    client: toldBy(programClient(franzClient), librdkafkaProperties),
    refusals: {
      authority: /certificate signed by unknown authority/,
      'host name': /certificate is valid for .* not 127\.0\.0\.2/,
      expired: /certificate has expired/,
      certificate: /certificate required/,
      right: /TOPIC_AUTHORIZATION_FAILED/,
    },
  },
  {
    client: toldBy(kcatClient, kcatProperties),
    refusals: {
      authority: /certificate verify failed/,
      'host name': /certificate verify failed|hostname/i,
      expired: /certificate.*expired|verify failed/,
      certificate: /alert certificate required/,
      right: /Topic authorization failed/,
    },
  },
  {
    client: toldBy(kafkajsClient, (shown) => ({ ssl: nodeSettings(shown) })),
    refusals: {
      authority: /unable to verify|self.signed|issuer/i,
      'host name': /does not match certificate's altnames/,
      expired: /certificate has expired/,
      certificate: /certificate required/,
      right: /not authorized|authorization failed/i,
    },
  },
  {
    client: toldBy(platformaticClient, (shown) => ({ tls: nodeSettings(shown) })),
    refusals: {
      authority: /unable to verify|self.signed|issuer/i,
      'host name': /does not match certificate's altnames/,
      expired: /certificate has expired/,
      certificate: /certificate required|Connection closed/,
      right: /not authorized|authorization failed/i,
    },
  },
];

const mechanisms = { TLS: 'open', 'mutual TLS': 'mutual' } as const;
type Mechanism = keyof typeof mechanisms;

const refused: readonly {
  readonly why: Refusal;
  readonly outcome: string;
  readonly mechanism: Mechanism;
  readonly at: Kind;
  readonly host?: string;
  readonly shown: Shown;
}[] = [
  {
    ...{ why: 'authority', outcome: 'refuses an authority that it does not know' },
    ...{ mechanism: 'TLS', at: 'open', shown: { trusts: 'nobody' } },
  },
  {
    ...{ why: 'host name', outcome: 'refuses a wrong host name' },
    ...{ mechanism: 'TLS', at: 'open', host: '127.0.0.2', shown: {} },
  },
  {
    ...{ why: 'expired', outcome: 'refuses an expired certificate' },
    ...{ mechanism: 'TLS', at: 'expired', shown: { trusts: 'old-root' } },
  },
  {
    ...{ why: 'certificate', outcome: 'is refused without its certificate' },
    ...{ mechanism: 'mutual TLS', at: 'mutual', shown: {} },
  },
];
const works = 'produces and consumes in a group';
const transacts = 'writes in a transaction';
const lacks = 'is refused for a right that it lacks';

async function assertRefused(sent: Promise<unknown>, refusal: RegExp): Promise<void> {
  await assert.rejects(sent, (error: Error) => {
    assert.match(refusalText(error), refusal);
    return true;
  });
}

// They wait more than they work: for handshakes that are tried again, and polls.
describe('clients over TLS', { concurrency: 4 }, () => {
  const table = new ClientTable();
  before(async () => {
    if (!hasJava()) return;
    const made = await runProgram('keytool', [
      ...['-importcert', '-noprompt', '-storetype', 'JKS', '-alias', 'old'],
      ...['-file', golden('old-root.pem'), '-keystore', oldRoot('0.9')],
      ...['-storepass', storePassword],
    ]);
    assert.equal(made.code, 0, made.stdout);
  });

  for (const { client, refusals } of clients) {
    for (const [mechanism, at] of Object.entries(mechanisms)) {
      const shown = { isShown: at === 'mutual' };

      table.cell(client.name, mechanism, works, async (t) => {
        if (!client.isPresent(t)) return;
        const topic = await newTopic(at);
        await client.produce(serversOf(at), shown, topic, at);
        assert.equal(await client.consume(serversOf(at), shown, topic), at);
      });

      if (client.hasTransactions) {
        table.cell(client.name, mechanism, transacts, async (t) => {
          if (!client.isPresent(t)) return;
          const topic = await newTopic(at);
          await client.transact(serversOf(at), shown, topic, at);
          assert.equal(await endOf(at, topic), 2);
        });
      }

      table.cell(client.name, mechanism, lacks, async (t) => {
        if (!client.isPresent(t)) return;
        await assertRefused(client.produce(serversOf(at), shown, closed, 'v'), refusals.right);
      });
    }

    for (const { why, outcome, mechanism, at, host, shown } of refused) {
      table.cell(client.name, mechanism, outcome, async (t) => {
        if (!client.isPresent(t)) return;
        const told = { ...shown, isRefused: true };
        const sent = client.produce(serversOf(at, host), told, 't', 'v');
        await assertRefused(sent, refusals[why]);
      });
    }
  }

  table.assertWhole({
    clients: clients.map(({ client }) => client.name),
    mechanisms: Object.keys(mechanisms),
    outcomes: [works, transacts, lacks, ...refused.map(({ outcome }) => outcome)],
    without: [
      [/× mutual TLS × refuses/, 'the broker is judged before the client is'],
      [/× TLS × is refused without its certificate/, 'none is asked for'],
      [/^(kcat|kafka-clients 0\.9\.0\.1) .* transaction$/, 'they know none'],
    ],
  });
});
