// From a frame to its answer: reads the header, finds the handler, decodes, and turns what the
// handler returns, throws or rejects into the answer or the end of the connection.
//
// Invariants: every exchange is settled exactly once, or its connection is closed; a client's
// mistake costs nobody but that client; only a broken invariant of ours leaves this file as a
// throw (to `onBug`).

import { AssertionFailed } from '../base/assert.ts';
import { IoError, RateLimitedLog } from '../io/index.ts';
import type { Exchange, ServerConnection } from '../network/index.ts';
import {
  type Api,
  apiByKey,
  decodeRequest,
  decodeRequestHeader,
  ErrorCode,
  encodeResponse,
  type fetch,
  InexactRequest,
  isIn,
  isVersionSupported,
  KafkaError,
  type RequestHeader,
  type RequestOf,
} from '../protocol/index.ts';
import { rightsOf } from './authorization.ts';
import type { BrokerParts } from './broker-parts.ts';
import { Client } from './client.ts';
import { errorAnswer } from './error-answer.ts';
import type { Body, Handler, RequestContext } from './handler.ts';
import { mayBeOvertaken } from './handlers/fetch.ts';
import { handlers } from './handlers/index.ts';
import type { RequestCharge } from './quotas/index.ts';

export interface DispatchOptions {
  /** An invariant of ours is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
  /** What is served. Default: what clients ask of a broker. */
  readonly handlers?: readonly Handler[];
  /** Puts a gate in front of a client that has to prove who it is. Default: nobody has to. */
  readonly admit?: (client: Client) => void;
}

const produceKey = 0;
const fetchKey = 1;
const apiVersionsKey = 18;

export class Dispatch {
  readonly #parts: BrokerParts;
  readonly #log: RateLimitedLog;
  readonly #onBug: (error: Error) => void;
  readonly #admit: ((client: Client) => void) | undefined;
  readonly #handlerByKey: ReadonlyMap<number, Handler>;

  constructor(parts: BrokerParts, options: DispatchOptions) {
    this.#parts = parts;
    this.#log = new RateLimitedLog(parts.io.clock, parts.io.log.child('dispatch'));
    this.#onBug = options.onBug;
    this.#admit = options.admit;
    const served = options.handlers ?? handlers;
    this.#handlerByKey = new Map(served.map((one) => [one.api.key, one]));
  }

  onConnection(connection: ServerConnection): void {
    const client = new Client(connection);
    connection.onFrame = (frame, exchange) => this.#onFrame(client, frame, exchange);
    connection.onClose = (reason) => {
      client.onClose();
      if (reason !== null) this.#logClose(connection, reason);
    };
    this.#admit?.(client);
  }

  #onFrame(client: Client, frame: Buffer, exchange: Exchange): void {
    try {
      if (client.gate?.takes(frame, exchange)) return;
      const header = decodeRequestHeader(frame);
      const api = apiByKey(header.apiKey);
      if (api === undefined) throw new KafkaError('INVALID_REQUEST', `API key ${header.apiKey}`);
      if (!isVersionSupported(api, header.apiVersion)) {
        this.#onUnsupportedVersion(client, api, header, exchange);
        return;
      }
      const charge = this.#parts.quotas.begin(client.principal.name, header.clientId);
      let request: RequestOf<Api>;
      let inexact: InexactRequest | null = null;
      try {
        request = decodeRequest(api, header.apiVersion, frame, header.bodyPosition);
      } catch (error) {
        if (!(error instanceof InexactRequest)) throw error;
        inexact = error;
        request = error.request;
      }
      const call = { api, header, request, exchange, charge };
      if (inexact === null) this.#handle(client, call);
      else this.#respond(client, call, errorBody(call, inexact));
    } catch (error) {
      // What cannot be read cannot be answered, and what follows it cannot be trusted.
      if (error instanceof KafkaError) client.connection.close(error);
      else this.#onBug(error as Error);
    }
  }

  /**
   * Only ApiVersions has an answer that every client can read (KIP-511): version 0, with the error
   * and the versions to try again with. For the rest Kafka closes, and so do we.
   */
  #onUnsupportedVersion(client: Client, api: Api, header: RequestHeader, exchange: Exchange): void {
    if (api.key !== apiVersionsKey) {
      const { min, max } = api.versions;
      const asked = `${api.name} v${header.apiVersion}`;
      const message = `${asked} is not among the versions ${min} to ${max}`;
      client.connection.close(new KafkaError('UNSUPPORTED_VERSION', message));
      return;
    }
    const body = {
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: api.key, minVersion: api.versions.min, maxVersion: api.versions.max }],
    };
    exchange.respond(encodeResponse(api, 0, header.correlationId, body));
  }

  #handle(client: Client, call: Call): void {
    const { api, header, request, charge } = call;
    const handler = this.#handlerByKey.get(api.key);
    if (handler === undefined) {
      this.#fail(client, call, new KafkaError('UNSUPPORTED_VERSION'));
      return;
    }
    // An answer to a fetch can be a thousand times its request: a client that asks for many and
    // reads none would be held in memory many times over. So one is answered at a time, and the
    // next is taken only when the peer has read enough of it (network/server-connection.ts).
    if (this.#isAnsweredAlone(call)) client.connection.mute();
    const context: RequestContext = {
      broker: this.#parts,
      client,
      apiVersion: header.apiVersion,
      clientId: header.clientId,
      charge,
      rights: rightsOf(this.#parts, client),
      image: this.#parts.replicas.image,
    };
    try {
      const answer = handler.handle(request, context);
      if (answer instanceof Promise) {
        charge?.onWait();
        answer.then(
          (body) => this.#answer(client, call, body),
          (error: unknown) => this.#fail(client, call, error),
        );
      } else {
        this.#answer(client, call, answer);
      }
    } catch (error) {
      this.#fail(client, call, error);
    }
  }

  /** The connection takes nothing more until it is answered. A broker alone has no followers. */
  #isAnsweredAlone({ api, request }: Call): boolean {
    if (api.key !== fetchKey) return false;
    return this.#parts.inSync === null || !mayBeOvertaken(request as RequestOf<typeof fetch>);
  }

  #answer(client: Client, call: Call, body: Body<Api> | null): void {
    this.#respond(client, call, body);
    if (this.#isAnsweredAlone(call)) client.connection.unmute();
  }

  #respond(client: Client, call: Call, body: Body<Api> | null): void {
    const { api, header, exchange } = call;
    const throttleMs = call.charge === null ? 0 : this.#charge(client, call, body !== null);
    if (body === null) {
      exchange.skip();
      return;
    }
    const told = throttleMs > 0 ? withThrottle(body, throttleMs, call) : body;
    try {
      exchange.respond(encodeResponse(api, header.apiVersion, header.correlationId, told));
    } catch (error) {
      // A value the version cannot carry: a bug of ours, and this client cannot be answered.
      const message = `${api.name} v${header.apiVersion}: ${(error as Error).message}`;
      client.connection.close(new Error(message, { cause: error }));
    }
  }

  /**
   * Settles the charge; a client over its quota is answered at once, told to rest, and not listened
   * to meanwhile, for older ones do not rest by themselves (KIP-219).
   */
  #charge(client: Client, call: Call, isAnswered: boolean): number {
    const producedBytes = call.api.key === produceKey ? call.exchange.requestBytes : 0;
    const throttleMs = call.charge?.settle({ producedBytes, isAnswered }) ?? 0;
    if (throttleMs > 0) client.rest(this.#parts.io.clock, throttleMs);
    return throttleMs;
  }

  /** Answers a request that failed as a whole, in the shape its API has for errors. */
  #fail(client: Client, call: Call, error: unknown): void {
    if (error instanceof AssertionFailed) {
      this.#onBug(error);
      return;
    }
    this.#answer(client, call, errorBody(call, this.#kafkaErrorOf(call.api, error)));
  }

  #kafkaErrorOf(api: Api, error: unknown): KafkaError {
    if (error instanceof KafkaError) return error;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log.warn(`${api.name} failed: ${message}`);
    return new KafkaError(
      error instanceof IoError ? 'KAFKA_STORAGE_ERROR' : 'UNKNOWN_SERVER_ERROR',
    );
  }

  #logClose(connection: ServerConnection, reason: Error): void {
    if (reason instanceof IoError) return;
    this.#log.warn(`closed connection ${connection.id}: ${reason.message}`);
  }
}

function errorBody({ api, header, request }: Call, error: KafkaError): Body<Api> {
  return errorAnswer(api, request, { version: header.apiVersion, error });
}

interface Call {
  readonly api: Api;
  readonly header: RequestHeader;
  readonly request: RequestOf<Api>;
  readonly exchange: Exchange;
  readonly charge: RequestCharge | null;
}

/** The answer with the rest it demands, where its version has a field for it. */
function withThrottle(body: Body<Api>, throttleTimeMs: number, { api, header }: Call): Body<Api> {
  const field = api.response.fields.throttleTimeMs;
  if (field === undefined || !isIn(field.versions, header.apiVersion)) return body;
  return { ...body, throttleTimeMs };
}
