// Asks an etcd of one or more members through its JSON gateway: keeps connections open, goes to
// the next member when one does not serve, and says who we are.
//
// Invariants: what changes something and may have arrived is never sent again; every answer is the
// newest, since all questions demand a leader and no read is `serializable`; a password or token
// is in no message.

import type { Io } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { StoreAwayError, UnknownChangeError } from '../keyed/key-store.ts';
import type { EtcdAddress, EtcdEndpoint } from './etcd-address.ts';
import {
  EtcdError,
  errorIn,
  type MemberFault,
  memberFault,
  spaceRemedy,
  WrongStoreError,
} from './etcd-error.ts';
import { HttpError } from './http-answer-reader.ts';
import {
  type HttpAnswer,
  HttpConnection,
  HttpLostError,
  type HttpStream,
  isConnectionFault,
} from './http-connection.ts';

export type Json = Readonly<Record<string, unknown>>;

const idleConnectionsMax = 4;
/** A token that is refused is asked for anew so often for one question. */
const tokensMax = 2;

export class EtcdClient {
  readonly #io: Io;
  readonly #address: EtcdAddress;
  readonly #timeoutMs: number;
  readonly #connections = new Set<HttpConnection>();
  #at: number;
  /** null: not asked for; empty: it is open to everybody. */
  #token: string | null = null;
  #isClosed = false;
  /** Another member is asked from now on. */
  onMoved: () => void = () => {};

  constructor(io: Io, address: EtcdAddress, timeoutMs: number) {
    this.#io = io;
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    // Brokers spread over the members.
    this.#at = io.random.int(address.endpoints.length);
  }

  get shown(): string {
    return this.#address.shown;
  }

  /** Nobody had to say who he is; known once something was answered. */
  get isOpen(): boolean {
    return this.#address.credentials === null || this.#token === '';
  }

  /**
   * A question, or what may be carried out twice: asked at one member after the other.
   * @throws StoreAwayError no member answers; EtcdError it is refused
   */
  async ask(path: string, body: Json): Promise<Json> {
    const ask = (on: HttpConnection): Promise<Json> => this.#askOn(on, path, body, this.#timeoutMs);
    return await this.#tryMembers(ask, true);
  }

  /**
   * What is carried out once at most.
   * @throws StoreAwayError it was not; UnknownChangeError it may have been, or will be;
   * EtcdError it is refused
   */
  async askOnce(path: string, body: Json): Promise<Json> {
    // A disk that is slow ends no term; a member that is gone is noticed by other questions.
    const timeoutMs = this.#timeoutMs * 2;
    return await this.#tryMembers((on) => this.#askOn(on, path, body, timeoutMs), false);
  }

  /** An answer that goes on and on. @throws StoreAwayError, EtcdError as `ask` */
  async stream(path: string, body: string, stream: HttpStream): Promise<HttpConnection> {
    return await this.#tryMembers(async (connection) => {
      connection.stream({ path, headers: this.#headers(), body }, stream);
      return connection;
    }, true);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) {
      connection.lose(new HttpLostError('this store is closed'));
    }
  }

  async #tryMembers<T>(
    use: (connection: HttpConnection) => Promise<T>,
    mayRepeat: boolean,
  ): Promise<T> {
    const faults: MemberFault[] = [];
    let tokensLeft = tokensMax;
    for (;;) {
      const at = this.#at;
      let isReused = false;
      let isAsked = false;
      try {
        const idle = this.#idle();
        isReused = idle !== null;
        const connection = idle ?? (await this.#open(at));
        if (this.#isClosed) throw new HttpLostError('this store is closed');
        if (!connection.isUsable) throw new HttpLostError('the connection was closed');
        await this.#authenticate(connection);
        isAsked = true;
        return await use(connection);
      } catch (error) {
        const fault = this.#judge(error, at, isAsked && !mayRepeat);
        if (error instanceof EtcdError && error.kind === 'token' && tokensLeft-- > 0) {
          this.#token = null;
          continue;
        }
        if (error instanceof EtcdError && error.kind !== 'elsewhere') throw error;
        // A member that was restarted has closed what we kept open: that says nothing about it.
        if (isReused && error instanceof HttpLostError && !error.isSilence) continue;
        this.#moveOn(at);
        faults.push(fault);
        const isLast = faults.length >= this.#address.endpoints.length;
        if (isLast || this.#isClosed) throw this.#away(faults);
      }
    }
  }

  /** Why it is tried again or given up. @throws UnknownChangeError, and whatever is a bug */
  #judge(error: unknown, at: number, mayBeMade: boolean): MemberFault {
    const isKnown = error instanceof EtcdError || isConnectionFault(error);
    if (!isKnown) throw error;
    const isCertain = error instanceof EtcdError && error.isCertain;
    if (mayBeMade && !isCertain) {
      this.#moveOn(at);
      throw new UnknownChangeError(`${this.shown}: ${error.message}`);
    }
    const { why, isLasting } = memberFault(error);
    const { host, port } = this.#address.endpoints[at] as EtcdEndpoint;
    const isNamed = this.#address.endpoints.length === 1 || why.includes(`${host}:${port}`);
    return { why: isNamed ? why : `${host}:${port}: ${why}`, isLasting };
  }

  #away(faults: readonly MemberFault[]): StoreAwayError {
    const isLasting = faults.every((fault) => fault.isLasting);
    const state = isLasting ? 'cannot be used' : 'does not answer';
    const why = faults.map((fault) => fault.why).join('; ');
    const message = `the cluster store at ${this.shown} ${state}: ${why}`;
    return isLasting ? new WrongStoreError(message) : new StoreAwayError(message);
  }

  #moveOn(from: number): void {
    const { endpoints } = this.#address;
    if (from !== this.#at || this.#isClosed) return;
    this.#at = (from + 1) % endpoints.length;
    for (const connection of [...this.#connections]) {
      if (connection.isUsable) connection.lose(new HttpLostError('it is not asked any more'));
    }
    this.#io.clock.nextTurn(() => {
      if (!this.#isClosed) this.onMoved();
    });
  }

  #idle(): HttpConnection | null {
    const endpoint = this.#address.endpoints[this.#at];
    let found: HttpConnection | null = null;
    let count = 0;
    for (const connection of this.#connections) {
      if (!connection.isUsable || connection.endpoint !== endpoint) continue;
      found ??= connection;
      if (++count > idleConnectionsMax) connection.lose(new HttpLostError('too many are idle'));
    }
    return found;
  }

  async #open(at: number): Promise<HttpConnection> {
    const endpoint = this.#address.endpoints[at] as EtcdEndpoint;
    const connection = await HttpConnection.open(this.#io, endpoint, this.#timeoutMs);
    this.#connections.add(connection);
    connection.onLost = () => this.#connections.delete(connection);
    if (this.#isClosed) connection.lose(new HttpLostError('this store is closed'));
    return connection;
  }

  async #askOn(
    connection: HttpConnection,
    path: string,
    body: Json,
    timeoutMs: number,
  ): Promise<Json> {
    const headers = this.#headers();
    const answer = await connection.ask({ path, headers, body: JSON.stringify(body) }, timeoutMs);
    return parseAnswer(answer);
  }

  #headers(): Record<string, string> {
    // A member that is cut off from the others refuses at once instead of keeping us waiting.
    const headers: Record<string, string> = { 'Grpc-Metadata-hasleader': 'true' };
    if (this.#token) headers.Authorization = this.#token;
    return headers;
  }

  /** A token is of a member's memory: it ends when that member restarts. */
  async #authenticate(connection: HttpConnection): Promise<void> {
    const { credentials } = this.#address;
    if (credentials === null || this.#token !== null) return;
    const { username: name, password } = credentials;
    try {
      const path = '/v3/auth/authenticate';
      const answer = await this.#askOn(connection, path, { name, password }, this.#timeoutMs);
      if (typeof answer.token !== 'string') throw new HttpError('it gave no token');
      this.#token = answer.token;
    } catch (error) {
      const isOpen = error instanceof EtcdError && error.message.includes('is not enabled');
      if (!isOpen) throw error;
      this.#token = '';
    }
  }
}

/** @throws EtcdError, HttpError */
function parseAnswer({ status, body }: HttpAnswer): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw noJson(status, body);
  }
  if (status !== 200) throw errorIn(parsed) ?? new HttpError(`it answers with status ${status}`);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new HttpError(`it answers with no JSON object: ${isEtcd}`, true);
  }
  // A stream that fails after its beginning has status 200.
  if ('error' in parsed) throw errorIn(parsed) ?? new HttpError('its error makes no sense');
  // Each answer of etcd has a header, and each part of a stream is a result.
  if (!('header' in parsed || 'result' in parsed)) {
    throw new HttpError(`its answer makes no sense: ${isEtcd}`, true);
  }
  return parsed as Json;
}

const isEtcd = 'is this an etcd (3.4 or newer, with --enable-grpc-gateway)?';

/** A web server, or an etcd without its gateway; a proxy whose etcd is gone will have it back. */
function noJson(status: number, body: Buffer): HttpError {
  const what = `it answers with status ${status} and no JSON`;
  const isEncrypted = status === 400 && body.includes('HTTPS');
  const remedy = isEncrypted ? 'it is encrypted: set cluster.store.ssl.enable=true' : isEtcd;
  return new HttpError(`${what}: ${remedy}`, status < 500);
}

/** What an operator can do about a refusal, after the message. */
export function refusal(shown: string, error: EtcdError): KafkaError {
  const what = `the cluster store at ${shown} refuses: ${error.message}`;
  return new KafkaError('KAFKA_STORAGE_ERROR', `${what}${remedy(error)}`);
}

function remedy({ kind, message }: EtcdError): string {
  if (kind === 'space') return `; ${spaceRemedy}`;
  if (/user name is empty|permission denied|authentication failed/.test(message)) {
    return '; correct cluster.store.username and cluster.store.password, or the rights of the user';
  }
  return '';
}
