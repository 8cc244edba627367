// How a client proves who it is on a new connection, and again before its session ends:
// SaslHandshake and as many SaslAuthenticate as the mechanism needs (KIP-43, KIP-152, KIP-368). The
// mechanisms are the caller's.

import type { ConnectTls } from '../io/index.ts';
import {
  type Api,
  ErrorCode,
  errorName,
  KafkaError,
  type RequestInput,
  type ResponseOf,
  saslAuthenticate,
  saslHandshake,
} from '../protocol/index.ts';

/** One exchange of tokens. */
export interface SaslExchange {
  /**
   * The answer to the server's token, which is null at first; null: there is nothing more to say.
   * What it throws is why the connection cannot be used.
   */
  next(challenge: Buffer | null): Buffer | null | Promise<Buffer | null>;
  /** Gives back what the exchange holds, whether it came to its end or not. */
  release?(): void;
}

/** Who a client is, for any number of connections. */
export interface SaslLogin {
  /** As in `sasl.mechanism`. */
  readonly mechanism: string;
  /** @param host where the server is, as the client knows it */
  start(host: string): SaslExchange;
}

/** What protects a connection. */
export interface ConnectionSecurity {
  /** Absent: the stream is plain. */
  readonly tls?: Omit<ConnectTls, 'serverName'>;
  /** Absent: nobody asks who we are. */
  readonly sasl?: SaslLogin;
}

export interface Asked {
  readonly host: string;
  readonly ask: <A extends Api>(api: A, body: RequestInput<A>) => Promise<ResponseOf<A>>;
}

/**
 * Returns how long the session lasts, in ms; 0: as long as the connection.
 * @throws KafkaError UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED
 */
export async function authenticate({ host, ask }: Asked, login: SaslLogin): Promise<number> {
  const { mechanism } = login;
  const { errorCode, mechanisms } = await ask(saslHandshake, { mechanism });
  if (errorCode !== 0) throw handshakeError(errorCode, mechanism, mechanisms);
  const exchange = login.start(host);
  try {
    return await exchanged(ask, exchange);
  } finally {
    exchange.release?.();
  }
}

async function exchanged(ask: Asked['ask'], exchange: SaslExchange): Promise<number> {
  let sessionLifetimeMs = 0;
  let token = await answerOf(exchange, null);
  while (token !== null) {
    const answer = await ask(saslAuthenticate, { authBytes: token });
    if (answer.errorCode !== 0) {
      const name = errorName(answer.errorCode);
      throw new KafkaError(name, answer.errorMessage ?? undefined);
    }
    sessionLifetimeMs = answer.sessionLifetimeMs;
    token = await answerOf(exchange, answer.authBytes);
  }
  return sessionLifetimeMs;
}

/** In the words of Kafka's clients. */
function handshakeError(
  errorCode: number,
  mechanism: string,
  mechanisms: readonly string[],
): KafkaError {
  const enabled = `enabled mechanisms are [${mechanisms.join(', ')}]`;
  const message =
    errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM
      ? `Client SASL mechanism '${mechanism}' not enabled in the server, ${enabled}`
      : `Unexpected handshake request with client mechanism ${mechanism}, ${enabled}`;
  return new KafkaError(errorName(errorCode), message);
}

async function answerOf(exchange: SaslExchange, challenge: Buffer | null): Promise<Buffer | null> {
  try {
    return await exchange.next(challenge);
  } catch (error) {
    if (error instanceof KafkaError) throw error;
    throw new KafkaError('SASL_AUTHENTICATION_FAILED', (error as Error).message);
  }
}
