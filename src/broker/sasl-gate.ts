// What stands between a connection of a SASL listener and the handlers: the client has to prove who
// it is first, and again before its session ends (KIP-43, KIP-152, KIP-368).
//
// Invariants: before that only ApiVersions, SaslHandshake and SaslAuthenticate are answered, and no
// frame behind them reaches a handler; a failed attempt is answered late and ends the connection; a
// session is gone on with as the same principal and by the same mechanism, or not at all.

import type { Clock, Timer } from '../io/index.ts';
import type { Exchange } from '../network/index.ts';
import {
  type Api,
  apiByKey,
  apiVersions,
  decodeRequest,
  decodeRequestHeader,
  ErrorCode,
  encodeResponse,
  InexactRequest,
  isVersionSupported,
  KafkaError,
  type RequestHeader,
  type RequestOf,
  saslAuthenticate,
  saslHandshake,
} from '../protocol/index.ts';
import { type Principal, principalText } from '../security/index.ts';
import type {
  SaslError,
  SaslIdentity,
  SaslServer,
  SaslStep,
  ServerMechanism,
} from '../security/sasl/index.ts';
import type { Client, Gate } from './client.ts';
import { errorAnswer } from './error-answer.ts';

export interface SaslGateOptions {
  readonly clock: Clock;
  /** By name; those of the client's listener. */
  readonly mechanisms: () => ReadonlyMap<string, ServerMechanism>;
  /** connection.failed.authentication.delay.ms */
  readonly failureDelayMs: () => number;
  /** sasl.server.max.receive.size */
  readonly frameBytesMax: number;
  readonly isSaslError: (error: unknown) => error is SaslError;
  /** The client is somebody from now on, for the first time. */
  readonly onAuthenticated: (mechanism: string) => void;
  /** Why an attempt failed; for the log. */
  readonly onFailure: (why: string) => void;
  /** A broken invariant of ours. */
  readonly onBug: (error: Error) => void;
}

/**
 * `begin`: a handshake, or ApiVersions in front of it; `handshake`: that is over; `tokens`: the
 * mechanism is chosen; `other mechanism`: and is not that of the session; `open`: to the handlers.
 */
type State = 'begin' | 'handshake' | 'tokens' | 'other mechanism' | 'open' | 'failed';

/** From the first byte to the proof: a client needs a few round trips, and a server of keys. */
const authenticationMsMax = 30_000;
/** As in Kafka a session is not gone on with more often. */
const reauthenticationMsMin = 1000;
/** A token may be empty. */
const tokenBytesMin = 0;
/** Of whatever size frames may be: a proof of who somebody is is short. */
const tokenBytesMax = 128 * 1024;
const requestBytesMin = 8;

/** A request that came in time, read and not judged. */
interface Call<A extends Api> {
  readonly header: RequestHeader;
  readonly request: RequestOf<A>;
  readonly exchange: Exchange;
}

/** What answers a token: its error is for those who are told errors. */
interface TokenAnswer {
  readonly step: (step: SaslStep, sessionLifetimeMs: number) => void;
  readonly error: (message: string) => readonly Buffer[] | null;
}

export class SaslGate implements Gate {
  readonly #client: Client;
  readonly #options: SaslGateOptions;
  #state: State = 'begin';
  #mechanism: ServerMechanism | null = null;
  #server: SaslServer | null = null;
  /** SaslHandshake v0 was asked for: tokens come without Kafka's headers. */
  #isRaw = false;
  /** ApiVersions came with the name of the client's software. */
  #isNamed = false;
  /** Who it was when the session began; null: nobody yet. */
  #session: { readonly principal: Principal; readonly mechanism: string } | null = null;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  /** Whether what the session was proven with was taken back. */
  #isOver: (() => boolean) | null = null;
  #reauthenticatedMs = Number.NEGATIVE_INFINITY;
  #deadline: Timer | null = null;

  constructor(client: Client, options: SaslGateOptions) {
    this.#client = client;
    this.#options = options;
    client.whenGone(() => {
      this.#deadline?.cancel();
      this.#server?.release?.();
    });
    client.connection.limitFrames({ min: requestBytesMin, max: options.frameBytesMax });
    this.#begin();
  }

  takes(frame: Buffer, exchange: Exchange): boolean {
    if (this.#state === 'failed') return true;
    if (this.#state === 'open' && !this.#isToReauthenticate(frame)) return this.#isExpired();
    try {
      const isToken = this.#state === 'tokens' || this.#state === 'other mechanism';
      if (isToken && this.#isRaw) this.#onRawToken(frame, exchange);
      else if (isToken) this.#onToken(frame, exchange);
      else return this.#onRequest(frame, exchange);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#fail(error.message, null, exchange);
    }
    return true;
  }

  #begin(): void {
    const { clock } = this.#options;
    this.#deadline = clock.after(authenticationMsMax, () => {
      const why = `did not authenticate in ${authenticationMsMax} ms`;
      this.#client.connection.close(new Error(why));
    });
  }

  /** A handshake of a session that may end begins the next one. */
  #isToReauthenticate(frame: Buffer): boolean {
    if (frame.readInt16BE(0) !== saslHandshake.key) return false;
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#reauthenticatedMs < reauthenticationMsMin) return false;
    this.#reauthenticatedMs = nowMs;
    this.#state = 'begin';
    this.#isRaw = false;
    const { frameBytesMax } = this.#options;
    this.#client.connection.limitFrames({ min: requestBytesMin, max: frameBytesMax });
    this.#begin();
    return true;
  }

  #isExpired(): boolean {
    const isOver = this.#isOver?.() ?? false;
    if (!isOver && this.#options.clock.monotonic() < this.#expiresAtMs) return false;
    this.#state = 'failed';
    this.#client.connection.close(new Error('its SASL session has ended'));
    return true;
  }

  /** What it called itself was refused (KIP-511). */
  get #mayAskAgain(): boolean {
    return this.#isNamed && this.#client.softwareName === null;
  }

  /** Of the connection as a whole; false: a handler is to answer. */
  #onRequest(frame: Buffer, exchange: Exchange): boolean {
    const header = decodeRequestHeader(frame);
    const { apiKey, apiVersion } = header;
    if (apiKey === apiVersions.key) {
      if (this.#state !== 'begin' && !this.#mayAskAgain) {
        throw illegal(apiVersions, 'SASL handshake');
      }
      // Who asks in a version that is not served asks again.
      if (isVersionSupported(apiVersions, apiVersion)) this.#state = 'handshake';
      this.#isNamed = apiVersion >= 3;
      return false;
    }
    if (apiKey !== saslHandshake.key) throw illegal(apiByKey(apiKey) ?? apiKey, 'SASL handshake');
    const request = this.#read(saslHandshake, header, frame);
    this.#onHandshake({ header, request, exchange });
    return true;
  }

  #onHandshake({ header, request, exchange }: Call<typeof saslHandshake>): void {
    const mechanisms = this.#options.mechanisms();
    const chosen = mechanisms.get(request.mechanism) ?? null;
    const errorCode = chosen === null ? ErrorCode.UNSUPPORTED_SASL_MECHANISM : 0;
    const body = { errorCode, mechanisms: [...mechanisms.keys()] };
    const { apiVersion, correlationId } = header;
    const answer = encodeResponse(saslHandshake, apiVersion, correlationId, body);
    if (chosen === null) {
      this.#fail('asked for a mechanism that is not enabled', answer, exchange);
      return;
    }
    const isOther = this.#session !== null && this.#session.mechanism !== chosen.name;
    this.#mechanism = chosen;
    this.#server?.release?.();
    this.#server = chosen.newServer();
    this.#state = isOther ? 'other mechanism' : 'tokens';
    this.#isRaw = apiVersion === 0;
    if (this.#isRaw) {
      const { frameBytesMax } = this.#options;
      this.#client.connection.limitFrames({ min: tokenBytesMin, max: frameBytesMax });
    }
    exchange.respond(answer);
  }

  #onRawToken(frame: Buffer, exchange: Exchange): void {
    this.#evaluate(frame, exchange, {
      step: ({ token, isWithoutToken }) => {
        if (isWithoutToken) {
          exchange.skip();
          return;
        }
        const size = Buffer.alloc(4);
        size.writeInt32BE(token.length);
        exchange.respond([size, token]);
      },
      error: () => null,
    });
  }

  #onToken(frame: Buffer, exchange: Exchange): void {
    const header = decodeRequestHeader(frame);
    const { apiVersion, correlationId } = header;
    if (header.apiKey !== saslAuthenticate.key) {
      this.#onUnexpected(header, frame, exchange);
      return;
    }
    const { authBytes } = this.#read(saslAuthenticate, header, frame);
    const answer = (body: object): readonly Buffer[] => {
      const whole = { errorCode: 0, errorMessage: '', authBytes: Buffer.alloc(0), ...body };
      return encodeResponse(saslAuthenticate, apiVersion, correlationId, whole);
    };
    this.#evaluate(authBytes, exchange, {
      step: ({ token }, sessionLifetimeMs) => {
        exchange.respond(answer({ authBytes: token, sessionLifetimeMs }));
      },
      error: (errorMessage) => {
        return answer({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage });
      },
    });
  }

  /** Answered in the shape of what was asked, which is not done. */
  #onUnexpected(header: RequestHeader, frame: Buffer, exchange: Exchange): void {
    const api = apiByKey(header.apiKey);
    const error = illegal(api ?? header.apiKey, 'SASL authentication');
    if (api === undefined || !isVersionSupported(api, header.apiVersion)) throw error;
    const request = this.#read(api, header, frame);
    const body = errorAnswer(api, request, { version: header.apiVersion, error });
    const { apiVersion, correlationId } = header;
    this.#fail(error.message, encodeResponse(api, apiVersion, correlationId, body), exchange);
  }

  #read<A extends Api>(api: A, header: RequestHeader, frame: Buffer): RequestOf<A> {
    if (!isVersionSupported(api, header.apiVersion)) {
      throw new KafkaError('UNSUPPORTED_VERSION', `${api.name} v${header.apiVersion}`);
    }
    try {
      return decodeRequest(api, header.apiVersion, frame, header.bodyPosition);
    } catch (error) {
      if (!(error instanceof InexactRequest)) throw error;
      throw new KafkaError('INVALID_REQUEST', error.message);
    }
  }

  #evaluate(token: Buffer, exchange: Exchange, answer: TokenAnswer): void {
    const session = this.#session;
    if (token.length > tokenBytesMax) {
      throw new KafkaError('INVALID_REQUEST', `a token of ${token.length} bytes`);
    }
    if (this.#state === 'other mechanism') {
      const [asked, had] = [this.#mechanism?.name, session?.mechanism];
      const message =
        `SASL mechanism '${asked}' requested by client is not supported ` +
        `for re-authentication of mechanism '${had}'`;
      this.#fail(message, answer.error(message), exchange);
      return;
    }
    const refuse = (error: unknown): void => this.#refuse(error, answer, exchange);
    try {
      const step = (this.#server as SaslServer).next(token);
      if (!(step instanceof Promise)) {
        this.#onStep(step, answer, exchange);
        return;
      }
      const { connection } = this.#client;
      connection.mute();
      step
        .then((made) => this.#onStep(made, answer, exchange))
        .catch(refuse)
        .finally(() => connection.unmute());
    } catch (error) {
      refuse(error);
    }
  }

  #refuse(error: unknown, answer: TokenAnswer, exchange: Exchange): void {
    if (!this.#options.isSaslError(error)) {
      this.#options.onBug(error as Error);
      return;
    }
    const when = this.#session === null ? 'authentication' : 're-authentication';
    const message =
      error.told ??
      `Authentication failed during ${when} due to invalid credentials ` +
        `with SASL mechanism ${this.#mechanism?.name}`;
    this.#fail(`${this.#mechanism?.name}: ${error.message}`, answer.error(message), exchange);
  }

  #onStep(step: SaslStep, answer: TokenAnswer, exchange: Exchange): void {
    if (this.#state === 'failed' || this.#client.connection.isClosed) return;
    if (step.identity === null) {
      answer.step(step, 0);
      return;
    }
    const { principal } = step.identity;
    const before = this.#session?.principal;
    if (before !== undefined && principalText(before) !== principalText(principal)) {
      const change = `${before.type}.${before.name}: ${principal.type}.${principal.name}`;
      const message = `Cannot change principals during re-authentication from ${change}`;
      this.#fail('another principal in a re-authentication', answer.error(message), exchange);
      return;
    }
    const lifetimeMs = this.#open(step.identity);
    answer.step(step, lifetimeMs ?? 0);
  }

  /** Returns how long the session lasts; null: until the connection ends. */
  #open({ principal, expiresAtMs, isOver }: SaslIdentity): number | null {
    const { name, reauthMsMax } = this.#mechanism as ServerMechanism;
    const { clock, onAuthenticated } = this.#options;
    const isFirst = this.#session === null;
    this.#deadline?.cancel();
    this.#session = { principal, mechanism: name };
    this.#server = null;
    this.#state = 'open';
    this.#client.principal = principal;
    this.#client.connection.limitFrames(null);
    if (isFirst) onAuthenticated(name);
    const tokenMs = expiresAtMs === null ? Infinity : Math.max(0, expiresAtMs - clock.now());
    const lifetimeMs = Math.floor(Math.min(tokenMs, reauthMsMax > 0 ? reauthMsMax : Infinity));
    if (lifetimeMs === Infinity) {
      // Nothing more to watch: the handlers are reached without a detour.
      this.#client.gate = null;
      return null;
    }
    this.#expiresAtMs = clock.monotonic() + lifetimeMs;
    this.#isOver = isOver ?? null;
    return lifetimeMs;
  }

  /** Nothing more is taken; the answer, if there is one, comes after the delay, then the end. */
  #fail(why: string, answer: readonly Buffer[] | null, exchange: Exchange): void {
    const { clock, failureDelayMs, onFailure } = this.#options;
    const { connection } = this.#client;
    this.#state = 'failed';
    this.#deadline?.cancel();
    connection.mute();
    onFailure(why);
    this.#deadline = clock.after(failureDelayMs(), () => {
      if (answer === null) {
        connection.close();
        return;
      }
      exchange.respond(answer);
      connection.drain();
    });
  }
}

function illegal(api: Api | number, during: string): KafkaError {
  const name = typeof api === 'number' ? `key ${api}` : api.name;
  const message = `Unexpected Kafka request of type ${name} during ${during}.`;
  return new KafkaError('ILLEGAL_SASL_STATE', message);
}
