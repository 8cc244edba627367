// What a client says: to the program's logger of pino's shape, or to standard error. Of a line that
// comes again within a minute the next one says how often it was held back.

import type { Clock, Log, LogFields } from '../io/index.ts';

/** The shape of pino, and of most others: fields first, then the text. */
export interface ClientLogger {
  /** Details for whoever looks for a fault. */
  debug(fields: object, message: string): void;
  /** What happens seldom and is as it should be. */
  info(fields: object, message: string): void;
  /** What goes wrong and is tried again. */
  warn(fields: object, message: string): void;
  /** What is lost, or needs somebody to act. */
  error(fields: object, message: string): void;
}

type Level = keyof ClientLogger;

const repeatMs = 60_000;
/** Lines that are remembered; the oldest is forgotten first. */
const linesMax = 200;

/** `own`: where lines go without a logger. */
export function clientLog(clock: Clock, own: Log, logger?: ClientLogger): Log {
  return new ClientLog(clock, logger ?? null, own, new Map(), '');
}

interface Line {
  atMs: number;
  heldBack: number;
}

class ClientLog implements Log {
  readonly #clock: Clock;
  readonly #logger: ClientLogger | null;
  readonly #own: Log;
  readonly #lines: Map<string, Line>;
  readonly #component: string;

  constructor(
    clock: Clock,
    logger: ClientLogger | null,
    own: Log,
    lines: Map<string, Line>,
    component: string,
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#own = own;
    this.#lines = lines;
    this.#component = component;
  }

  debug(message: string, fields: LogFields = {}): void {
    // Whoever reads these wants each.
    this.#write('debug', message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#once('info', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#once('warn', message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#once('error', message, fields);
  }

  child(component: string): Log {
    const own = this.#own.child(component);
    return new ClientLog(this.#clock, this.#logger, own, this.#lines, component);
  }

  #once(level: Level, message: string, fields: LogFields): void {
    const key = `${level} ${message} ${Object.values(fields).map(String).join(' ')}`;
    const nowMs = this.#clock.monotonic();
    const line = this.#lines.get(key);
    if (line !== undefined && nowMs - line.atMs < repeatMs) {
      line.heldBack++;
      return;
    }
    this.#lines.delete(key);
    this.#lines.set(key, { atMs: nowMs, heldBack: 0 });
    if (this.#lines.size > linesMax) {
      this.#lines.delete(this.#lines.keys().next().value as string);
    }
    const heldBack = line?.heldBack ?? 0;
    this.#write(level, message, heldBack === 0 ? fields : { ...fields, heldBack });
  }

  #write(level: Level, message: string, fields: LogFields): void {
    const logger = this.#logger;
    if (logger === null) this.#own[level](message, fields);
    else {
      const component = this.#component === '' ? {} : { component: this.#component };
      logger[level]({ ...component, ...fields }, message);
    }
  }
}
