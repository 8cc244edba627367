// Requests that only the coordinator of a group or of a transactional id can answer: who it is,
// and a connection of its own to it. A broker answers the requests of one connection in order, so
// that a fetch that waits for records would hold up heartbeats, and a JoinGroup that waits for
// members would hold up fetches.

import type { ClientConnection, RequestOptions } from '../network/index.ts';
import {
  type Api,
  ErrorCode,
  findCoordinator,
  KafkaError,
  type RequestInput,
  type ResponseOf,
} from '../protocol/index.ts';
import { BrokerConnections } from './broker-connections.ts';
import { type Client, isRetriableFailure } from './client.ts';

export interface CoordinatorAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface CoordinatorKey {
  readonly type: 'group' | 'transactionalId';
  readonly name: string;
}

const keyTypes = { group: 0, transactionalId: 1 } as const;
const keyTypeNames = { group: 'group', transactionalId: 'transactional id' } as const;

/** Asks any broker. Throws the KafkaError of the answer: COORDINATOR_NOT_AVAILABLE … */
export async function lookUpCoordinator(
  client: Client,
  { type, name }: CoordinatorKey,
  options: RequestOptions = {},
): Promise<CoordinatorAddress> {
  const connection = await client.anyConnection();
  const isBatched = (connection.versionOf(findCoordinator) ?? 0) >= 4;
  const key = isBatched ? { coordinatorKeys: [name] } : { key: name };
  const body = { keyType: keyTypes[type], ...key };
  const answer = await connection.request(findCoordinator, body, options);
  const found = isBatched ? answer.coordinators[0] : answer;
  if (found === undefined) throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
  if (found.errorCode !== ErrorCode.NONE) {
    const reason = found.errorMessage ?? KafkaError.fromCode(found.errorCode).message;
    throw KafkaError.fromCode(found.errorCode, `${keyTypeNames[type]} ${name}: ${reason}`);
  }
  return { nodeId: found.nodeId, host: found.host, port: found.port };
}

/** Whether the code says that the coordinator is another broker now. */
export function isCoordinatorGone(code: number): boolean {
  return code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE;
}

export class Coordinator {
  /** Told of every answer: of which API, and how long it took. */
  onAnswered: (apiKey: number, elapsedMs: number, nowMs: number) => void = () => {};
  readonly #client: Client;
  readonly #key: CoordinatorKey;
  #connections: BrokerConnections;
  #address: CoordinatorAddress | null = null;
  #looking: Promise<CoordinatorAddress> | null = null;

  constructor(client: Client, key: CoordinatorKey) {
    this.#client = client;
    this.#key = key;
    this.#connections = this.#newConnections();
  }

  /** The node id of the coordinator as far as it is known. */
  get nodeId(): number | null {
    return this.#address?.nodeId ?? null;
  }

  /** The next request looks for the coordinator again. */
  forget(): void {
    this.#address = null;
  }

  /** Forgets the coordinator if that is what the code of an answer says. */
  onErrorCode(code: number): void {
    if (isCoordinatorGone(code)) this.forget();
  }

  async connection(options: RequestOptions = {}): Promise<ClientConnection> {
    let address = this.#address;
    if (address === null) {
      this.#looking ??= lookUpCoordinator(this.#client, this.#key, options).finally(() => {
        this.#looking = null;
      });
      address = await this.#looking;
      this.#address = address;
    }
    try {
      return await this.#connections.get(address);
    } catch (error) {
      this.#forgetIf(address);
      throw error;
    }
  }

  /** Throws what the network throws; the error codes of the answer are the caller's business. */
  async request<A extends Api>(
    api: A,
    body: RequestInput<A> | ((connection: ClientConnection) => RequestInput<A>),
    options: RequestOptions = {},
  ): Promise<ResponseOf<A>> {
    const connection = await this.connection();
    const address = this.#address;
    try {
      const built = typeof body === 'function' ? body(connection) : body;
      const { clock } = this.#client.io;
      const beganMs = clock.monotonic();
      const answer = await connection.request(api, built, options);
      const nowMs = clock.monotonic();
      this.onAnswered(api.key, nowMs - beganMs, nowMs);
      return answer;
    } catch (error) {
      if (isRetriableFailure(error)) this.#forgetIf(address);
      throw error;
    }
  }

  /** Drops the connection and whatever waits on it, so that the next request is not behind it. */
  reconnect(): void {
    this.#connections.close();
    this.#connections = this.#newConnections();
  }

  close(): void {
    this.#connections.close();
  }

  #newConnections(): BrokerConnections {
    const { io, options, meter } = this.#client;
    return new BrokerConnections(io, options, meter, (id) => `node-${0x7fff_ffff - id}`);
  }

  #forgetIf(address: CoordinatorAddress | null): void {
    if (this.#address === address) this.forget();
  }
}
