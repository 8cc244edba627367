// What is wrong with a configuration, in one line: the key, the value, and what would be right.
// Values of sensitive keys are never part of the message.

/** An invalid configuration. The message is one line, fit to be printed as it is. */
export class ConfigError extends Error {
  /** The key at fault; null when a source could not be read at all. */
  readonly key: string | null;

  constructor(key: string | null, message: string) {
    super(message.replace(/\s*\n\s*/g, ' '));
    this.name = 'ConfigError';
    this.key = key;
  }
}
