// A client of one broker whose rights change while it works: it stays connected, asks for the same
// things again and again, and holds each answer against what the broker itself says of its ACLs
// before and after. Now and then it proves itself anew, with the password that its user has or had.

import type { Prng } from '../../src/base/prng.ts';
import type { Io } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import {
  describeAcls,
  describeConfigs,
  describeUserScramCredentials,
  ErrorCode,
  encodeBatch,
  fetch,
  findCoordinator,
  KafkaError,
  metadata,
  produce,
} from '../../src/protocol/index.ts';
import { clientLogin } from '../../src/security/sasl/index.ts';
import { assertAsGranted, type Grant, grantsText, type Question } from '../checkers/index.ts';
import { operatorSecurity, passwordOf, scram } from './access-churn.ts';

export interface BoundedClientOptions {
  readonly nodeId: number;
  readonly address: { readonly host: string; readonly port: number };
  readonly user: string;
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  readonly prng: Prng;
  /** `served`, `refused`, `let in`, `turned away`. */
  readonly onJudged: (what: string) => void;
}

const [topicType, groupType] = [2, 3];
const answerMsMax = 5_000;
const questionsMax = 40;
const answersRefused: readonly number[] = [
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
];

/** Never ends: its process is killed. Throws when a promise is broken. */
export async function askWithinRights(io: Io, options: BoundedClientOptions): Promise<void> {
  const client = new BoundedClient(io, options);
  for (;;) {
    try {
      await client.live();
    } catch (error) {
      if (!isLost(error as Error)) throw error;
    }
    client.leave();
    await io.clock.sleep(50 + options.prng.int(100));
  }
}

/** The broker is down, or went down; or it asked anew who this is, and the password is another. */
function isLost(error: Error): boolean {
  if (!(error instanceof KafkaError)) return error.name === 'IoError';
  return error.retriable || error.errorName === 'SASL_AUTHENTICATION_FAILED';
}

class BoundedClient {
  readonly #io: Io;
  readonly #options: BoundedClientOptions;
  #operator: ClientConnection | null = null;
  #connection: ClientConnection | null = null;
  /** Under which it was let in, or tries to be: passwords of before are tried as well. */
  #iterations = 0;

  constructor(io: Io, options: BoundedClientOptions) {
    this.#io = io;
    this.#options = options;
  }

  leave(): void {
    this.#operator?.close();
    this.#connection?.close();
  }

  async live(): Promise<void> {
    const { prng, user } = this.#options;
    const { username, password } = operatorSecurity.sasl;
    this.#operator = await this.#connect('PLAIN', username, password);
    const known = await this.#knownIterations();
    // Mostly the password of today; sometimes the one of before.
    if (known !== null && !prng.chance(0.2)) this.#iterations = known;
    if (this.#iterations === 0) return;
    const isLetIn = await this.#enter(passwordOf(user, this.#iterations));
    const after = await this.#knownIterations();
    if (known === after) this.#judgeEntry(isLetIn, known);
    for (let left = prng.int(questionsMax); isLetIn && left > 0; left--) {
      await this.#ask();
      await this.#io.clock.sleep(prng.int(60));
    }
  }

  #judgeEntry(isLetIn: boolean, known: number | null): void {
    const { nodeId, user, onJudged } = this.#options;
    const isRight = known === this.#iterations;
    const which = isRight ? 'the' : 'no';
    if (isLetIn !== isRight) {
      const what = isLetIn ? 'let in' : 'turned away';
      throw new Error(`broker ${nodeId} has ${what} ${user} with ${which} password of the moment`);
    }
    onJudged(isLetIn ? 'let in' : 'turned away');
  }

  async #enter(password: string): Promise<boolean> {
    try {
      this.#connection = await this.#connect(scram, this.#options.user, password);
      return true;
    } catch (error) {
      const isRefused =
        error instanceof KafkaError && error.errorName === 'SASL_AUTHENTICATION_FAILED';
      if (isRefused) return false;
      throw error;
    }
  }

  async #connect(mechanism: string, username: string, password: string): Promise<ClientConnection> {
    const login = clientLogin(this.#io, {
      mechanism,
      options: new Map([
        ['username', username],
        ['password', password],
      ]),
      ...{ source: 'the world', tokens: null },
      fetch: () => Promise.reject(new Error('nothing is to be fetched')),
    });
    return await ClientConnection.connect(this.#io, {
      ...this.#options.address,
      ...{ clientId: username, requestTimeoutMs: answerMsMax, connectTimeoutMs: answerMsMax },
      security: { sasl: login },
    });
  }

  /** null: the broker knows of no such user. */
  async #knownIterations(): Promise<number | null> {
    const { user } = this.#options;
    const body = { users: [{ name: user }] };
    const answer = await this.#operatorConnection.request(describeUserScramCredentials, body);
    if (answer.errorCode !== 0) throw KafkaError.fromCode(answer.errorCode);
    return answer.results[0]?.credentialInfos[0]?.iterations ?? null;
  }

  async #grants(): Promise<Grant[]> {
    const anything = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 };
    const anybody = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
    const body = { ...anything, ...anybody };
    const { errorCode, resources } = await this.#operatorConnection.request(describeAcls, body);
    if (errorCode !== 0) throw KafkaError.fromCode(errorCode);
    return resources.flatMap(({ acls, ...pattern }) => acls.map((acl) => ({ ...pattern, ...acl })));
  }

  get #operatorConnection(): ClientConnection {
    return this.#operator as ClientConnection;
  }

  async #ask(): Promise<void> {
    const { prng, user, topics, groups, nodeId, onJudged } = this.#options;
    const kind = prng.pick(kinds);
    const isOfGroups = kind.resourceType === groupType;
    const resourceName = prng.pick(isOfGroups ? groups : topics);
    const before = await this.#grants();
    const connection = this.#connection as ClientConnection;
    const errorCode = await kind.ask(connection, resourceName, prng);
    const after = await this.#grants();
    if (grantsText(before) !== grantsText(after)) return;
    const { what, operation, resourceType } = kind;
    const isRefused = answersRefused.includes(errorCode);
    const question: Question = { principal: `User:${user}`, operation, resourceType, resourceName };
    assertAsGranted(before, { question, what, isRefused, nodeId });
    onJudged(isRefused ? 'refused' : 'served');
  }
}

interface Kind {
  readonly what: string;
  readonly operation: number;
  readonly resourceType: number;
  /** Returns the error's code; others than those of rights are not judged. */
  ask(connection: ClientConnection, name: string, prng: Prng): Promise<number>;
}

const kinds: readonly Kind[] = [
  {
    ...{ what: 'produce to', operation: 4, resourceType: topicType },
    ask: async (connection, name) => {
      const records = encodeBatch({ records: [{ key: null, value: Buffer.from('x') }] });
      const partitionData = [{ index: 0, records }];
      const body = {
        ...{ transactionalId: null, acks: 1, timeoutMs: 1_000 },
        topicData: [{ name, partitionData }],
      };
      const { responses } = await connection.request(produce, body, { versionMax: 12 });
      return responses[0]?.partitionResponses[0]?.errorCode ?? 0;
    },
  },
  {
    ...{ what: 'fetch from', operation: 3, resourceType: topicType },
    ask: async (connection, topic, prng) => {
      const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
      const body = {
        ...{ maxWaitMs: prng.pick([0, 0, 200]), minBytes: prng.pick([1, 100_000]), maxBytes: 1000 },
        ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: -1 },
        topics: [{ topic, partitions }],
      };
      const { responses } = await connection.request(fetch, body, { versionMax: 12 });
      return responses[0]?.partitions[0]?.errorCode ?? 0;
    },
  },
  {
    ...{ what: 'describe', operation: 8, resourceType: topicType },
    ask: async (connection, name) => {
      const { topics } = await connection.request(metadata, { topics: [{ name }] });
      return topics[0]?.errorCode ?? 0;
    },
  },
  {
    ...{ what: 'list', operation: 8, resourceType: topicType },
    ask: async (connection, name) => {
      const { topics } = await connection.request(metadata, { topics: null });
      const isListed = topics.some((topic) => topic.name === name);
      return isListed ? 0 : ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    },
  },
  {
    ...{ what: 'see the configuration of', operation: 10, resourceType: topicType },
    ask: async (connection, resourceName) => {
      const resources = [{ resourceType: 2, resourceName, configurationKeys: ['retention.ms'] }];
      const { results } = await connection.request(describeConfigs, { resources });
      return results[0]?.errorCode ?? 0;
    },
  },
  {
    ...{ what: 'look for the coordinator of', operation: 8, resourceType: groupType },
    ask: async (connection, key) => {
      const body = { keyType: 0, coordinatorKeys: [key] };
      const { coordinators } = await connection.request(findCoordinator, body);
      return coordinators[0]?.errorCode ?? 0;
    },
  },
];
