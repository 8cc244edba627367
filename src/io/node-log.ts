// The real log: lines to standard error, or to the sink that the embedding program gives.

import type { Log, LogFields } from './io.ts';
import { LogLevels } from './log-levels.ts';
import { type LogLevel, logLine } from './log-line.ts';

export type LogSink = (line: string) => void;

export function createNodeLog(level: LogLevel = 'info', sink: LogSink = toStandardError): Log {
  return new NodeLog('', new LogLevels(level), sink);
}

function toStandardError(line: string): void {
  process.stderr.write(`${line}\n`);
}

class NodeLog implements Log {
  readonly levels: LogLevels;
  readonly #component: string;
  readonly #sink: LogSink;

  constructor(component: string, levels: LogLevels, sink: LogSink) {
    this.levels = levels;
    this.#component = component;
    this.#sink = sink;
    if (component !== '') levels.register(component);
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#threshold <= 0) this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#threshold <= 1) this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#threshold <= 2) this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    if (this.#threshold <= 3) this.#write('error', message, fields);
  }

  child(component: string): Log {
    return new NodeLog(component, this.levels, this.#sink);
  }

  get #threshold(): number {
    return this.levels.threshold(this.#component);
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const component = this.#component;
    this.#sink(logLine({ timeMs: Date.now(), level, component, message, fields }));
  }
}
