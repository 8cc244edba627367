// Which lines are written, by component, while the process runs: a level for all (the root) and
// others for single components, in the words that operators know from Kafka's loggers. The levels
// of one tree of logs are shared by all of its logs.

import { type LogLevel, logLevels } from './log-line.ts';

/** What operators may ask for, and the level of ours that does it. */
const levelByWord: ReadonlyMap<string, LogLevel> = new Map([
  ['TRACE', 'debug'],
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['WARN', 'warn'],
  ['ERROR', 'error'],
  ['FATAL', 'error'],
]);

/** The name under which all components are meant that have no level of their own. */
export const rootLogger = 'root';

export class LogLevels {
  readonly #words = new Map<string, string>();
  readonly #components = new Set<string>();

  constructor(level: LogLevel) {
    this.#words.set(rootLogger, level.toUpperCase());
  }

  static get words(): readonly string[] {
    return [...levelByWord.keys()];
  }

  /** Notes that there is such a component. */
  register(component: string): void {
    this.#components.add(component);
  }

  /** The root first, then the components by name, each with the level in force. */
  *entries(): Generator<[string, string]> {
    yield [rootLogger, this.#wordOf(rootLogger)];
    for (const component of [...this.#components].sort()) {
      yield [component, this.#wordOf(component)];
    }
  }

  has(name: string): boolean {
    return name === rootLogger || this.#components.has(name);
  }

  /** `word` is one of LogLevels.words. */
  set(name: string, word: string): void {
    this.#words.set(name, word);
  }

  /** The component follows the root again. */
  unset(name: string): void {
    if (name !== rootLogger) this.#words.delete(name);
  }

  /** Lines below this are not written: an index of `logLevels`. */
  threshold(component: string): number {
    const word = this.#wordOf(component);
    return logLevels.indexOf(levelByWord.get(word) ?? 'off');
  }

  #wordOf(component: string): string {
    return this.#words.get(component) ?? (this.#words.get(rootLogger) as string);
  }
}
