// Java's .properties format (base/java-properties.ts) with the error of a configuration.

import { PropertiesSyntaxError, parseProperties as parse } from '../base/java-properties.ts';
import { ConfigError } from './config-error.ts';

export { decodeProperties, formatProperties } from '../base/java-properties.ts';

/** @throws ConfigError */
export function parseProperties(text: string): Map<string, string> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof PropertiesSyntaxError)) throw error;
    throw new ConfigError(null, error.message);
  }
}
