// Requests about ACLs, and settings of security altered at run time, as no client sends them: codes
// that there are none of, empty names, what only filters may say, contradictions. What a broker
// answers each is told in a line, to be held against what another answers.

import { strict as assert } from 'node:assert';
import {
  createAcls,
  deleteAcls,
  describeAcls,
  errorName,
  incrementalAlterConfigs,
} from '../../../src/protocol/index.ts';
import { Asker, adminHost, principal } from './table.ts';

interface Answered {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const creation = {
  ...{ resourceType: 2, resourceName: 'odd', resourcePatternType: 3 },
  ...{ principal: 'User:odd', host: '*', operation: 3, permissionType: 3 },
};

/** What differs from an ACL that there is nothing wrong with. */
const oddAcls: readonly Partial<typeof creation>[] = [
  ...[0, 1, 3, 5, 6, 7, 8, 127, -1].map((resourceType) => ({ resourceType })),
  ...[0, 1, 2, 4, 5, 127, -1].map((resourcePatternType) => ({ resourcePatternType })),
  ...[0, 1, 2, 9, 12, 13, 15, 16, 127, -1].map((operation) => ({ operation })),
  ...[0, 1, 2, 4, 127, -1].map((permissionType) => ({ permissionType })),
  ...['', '*', 'a b', '.', 'x'.repeat(300)].map((resourceName) => ({ resourceName })),
  { resourceType: 4 },
  { resourceType: 4, resourceName: 'kafka-cluster', resourcePatternType: 4, operation: 8 },
  { resourceType: 4, resourceName: 'kafka-cluster', operation: 3 },
  { resourceType: 7, resourceName: 'nobody', operation: 13 },
  { resourceType: 7, resourceName: 'User:nobody', operation: 13 },
  ...['', 'odd', 'User:', ':odd', ':', 'Group:odd', 'User:*', 'user:odd'].map((name) => ({
    principal: name,
  })),
  ...['', 'nowhere', '10.0.0.0/8', '::1', '10.0.0.1 '].map((host) => ({ host })),
];

const anything = {
  ...{ resourceTypeFilter: 2, resourceNameFilter: 'odd', patternTypeFilter: 3 },
  ...{ principalFilter: 'User:odd', hostFilter: '*', operation: 3, permissionType: 3 },
};

const oddFilters: readonly (Omit<Partial<typeof anything>, 'resourceNameFilter'> & {
  readonly resourceNameFilter?: string | null;
})[] = [
  ...[0, 1, 7, 8, 127, -1].map((resourceTypeFilter) => ({ resourceTypeFilter })),
  ...[0, 1, 2, 4, 5, 127, -1].map((patternTypeFilter) => ({ patternTypeFilter })),
  ...[0, 1, 2, 15, 16, 127, -1].map((operation) => ({ operation })),
  ...[0, 1, 2, 4, 127, -1].map((permissionType) => ({ permissionType })),
  ...['', '*', null].map((resourceNameFilter) => ({ resourceNameFilter })),
  ...['', 'odd', 'User:'].map((principalFilter) => ({ principalFilter })),
  ...['', 'nowhere'].map((hostFilter) => ({ hostFilter })),
];

/** Of the broker: by name, what it is to become; null takes it away. */
const oddSettings: readonly (readonly [string, string | null])[] = [
  ['super.users', 'User:a'],
  ['authorizer.class.name', ''],
  ['allow.everyone.if.no.acl.found', 'false'],
  ['listeners', 'NOWHERE://127.0.0.1:1'],
  ['listeners', 'PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:1'],
  ['listener.security.protocol.map', 'PLAINTEXT:NONSENSE'],
  ['security.inter.broker.protocol', 'SSL'],
  ['sasl.enabled.mechanisms', 'NONSENSE'],
  ['sasl.mechanism.inter.broker.protocol', 'PLAIN'],
  ['sasl.jaas.config', 'nonsense'],
  ['listener.name.plaintext.plain.sasl.jaas.config', 'nonsense'],
  ['listener.name.plaintext.sasl.enabled.mechanisms', 'PLAIN'],
  ['listener.name.nowhere.ssl.keystore.location', '/nowhere'],
  ['listener.name.plaintext.ssl.keystore.location', '/nowhere'],
  ['ssl.keystore.location', '/nowhere'],
  ['ssl.keystore.type', 'NONSENSE'],
  ['ssl.client.auth', 'nonsense'],
  ['listener.name.plaintext.ssl.client.auth', 'nonsense'],
  ['ssl.principal.mapping.rules', 'nonsense'],
  ['ssl.enabled.protocols', 'SSLv2'],
  ['ssl.protocol', 'nonsense'],
  ['connections.max.reauth.ms', '-1'],
  ['connections.max.reauth.ms', 'nonsense'],
  ['sasl.kerberos.principal.to.local.rules', 'nonsense'],
  ['sasl.login.refresh.window.factor', '9'],
  ['principal.builder.class', 'nonsense'],
  ['max.connections.per.ip.overrides', 'nonsense'],
  ['delegation.token.secret.key', 'x'],
  ['delegation.token.max.lifetime.ms', '0'],
  ['password.encoder.secret', 'x'],
];

export interface Odd {
  readonly what: string;
  readonly answer: string;
}

const hungUp = 'it hung up';

/**
 * What Kafka answers where ours is another answer, on purpose. It hangs up on codes of which it has
 * none, and calls it an error of its own when only filters may say what an ACL says. Settings that
 * cannot be altered at run time, or are nonsense, it takes without a word, and those of a class,
 * which mean nothing here, it does not.
 */
export function answerOfKafka({ what, answer }: Odd): Odd {
  if (/Acls .*:0}$/.test(what)) return { what, answer: hungUp };
  if (
    /^CreateAcls .*("(resourceType|operation|permissionType)":1|PatternType":[12])}$/.test(what)
  ) {
    return { what, answer: 'UNKNOWN_SERVER_ERROR' };
  }
  const name = /^IncrementalAlterConfigs ([^=]*)=/.exec(what)?.[1] ?? '';
  if (takenByKafka.includes(name)) return { what, answer: 'NONE' };
  return { what, answer: name === 'principal.builder.class' ? 'INVALID_REQUEST' : answer };
}

const takenByKafka: readonly string[] = [
  'super.users',
  'allow.everyone.if.no.acl.found',
  'sasl.enabled.mechanisms',
  'sasl.mechanism.inter.broker.protocol',
  'sasl.jaas.config',
  'listener.name.plaintext.plain.sasl.jaas.config',
  'ssl.enabled.protocols',
  'ssl.protocol',
  'sasl.kerberos.principal.to.local.rules',
  'sasl.login.refresh.window.factor',
  'password.encoder.secret',
];

/** Asks each, and takes away what came of it. */
export async function oddAnswers(port: number): Promise<Odd[]> {
  const asker = new Asker(port, adminHost);
  const odd: Odd[] = [];
  const add = (what: string, answer: string): void => {
    odd.push({ what, answer });
  };
  try {
    await allowSelf(asker);
    for (const version of [1, 3]) {
      for (const changes of oddAcls) {
        const creations = [{ ...creation, ...changes }];
        const answer = (await asker.ask(createAcls, version, { creations })) as {
          results: Answered[];
        } | null;
        add(`CreateAcls v${version} ${JSON.stringify(changes)}`, shown(answer?.results[0]));
      }
      for (const changes of oddFilters) {
        const filter = { ...anything, ...changes };
        const described = (await asker.ask(describeAcls, version, filter)) as
          | (Answered & { resources: unknown[] })
          | null;
        const found = described?.resources.length ?? 0;
        const text = JSON.stringify(changes);
        add(`DescribeAcls v${version} ${text}`, shown(described, found));
      }
      for (const changes of oddFilters) {
        // What it finds is nobody's, so that there is as much for the next.
        const filters = [{ ...anything, hostFilter: 'gone', ...changes }];
        const answer = (await asker.ask(deleteAcls, version, { filters })) as {
          filterResults: (Answered & { matchingAcls: unknown[] })[];
        } | null;
        const result = answer?.filterResults[0];
        const text = JSON.stringify(changes);
        add(`DeleteAcls v${version} ${text}`, shown(result, result?.matchingAcls.length));
      }
    }
    for (const [name, value] of oddSettings) {
      const configs = [{ name, value, configOperation: value === null ? 1 : 0 }];
      const resources = [{ resourceType: 4, resourceName: '1', configs }];
      const body = { resources, validateOnly: true };
      const answer = (await asker.ask(incrementalAlterConfigs, 1, body)) as {
        responses: Answered[];
      } | null;
      add(`IncrementalAlterConfigs ${name}=${value}`, shown(answer?.responses[0]));
    }
    await forget(asker);
    return odd;
  } finally {
    asker.close();
  }
}

/** Otherwise the first ACL about the cluster would be the last. */
async function allowSelf(asker: Asker): Promise<void> {
  const cluster = { ...creation, resourceType: 4, resourceName: 'kafka-cluster' };
  const creations = [{ ...cluster, principal, operation: 2 }];
  const answer = (await asker.ask(createAcls, 3, { creations })) as { results: Answered[] };
  assert.equal(answer.results[0]?.errorCode, 0);
}

async function forget(asker: Asker): Promise<void> {
  const all = { resourceNameFilter: null, principalFilter: null, hostFilter: null };
  const every = { ...all, patternTypeFilter: 1, operation: 1, permissionType: 1 };
  const types = [2, 3, 5, 6, 7, 4];
  const filters = types.map((resourceTypeFilter) => ({ ...every, resourceTypeFilter }));
  await asker.ask(deleteAcls, 3, { filters });
}

/** With how many ACLs were found. */
function shown(answer: Answered | null | undefined, found?: number): string {
  if (!answer) return hungUp;
  return `${errorName(answer.errorCode)} ${found ?? ''}`.trim();
}
