// How the console consumer prints a record: Kafka's message formatters, by the names of their
// Java classes, with their properties.

import type { ConsumerRecord } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import type { OutputStream } from '../output-stream.ts';
import { type Deserializer, deserializerByName } from './deserializer.ts';

/** Where formatted records go. */
export type FormatterOutput = Pick<OutputStream, 'write' | 'writeText'>;

export interface Formatter {
  /** Throws when the record is not what its deserializer expects. */
  format(record: ConsumerRecord, output: FormatterOutput): void;
}

type Properties = ReadonlyMap<string, string>;

class DefaultFormatter implements Formatter {
  readonly #keySeparator: Buffer;
  readonly #lineSeparator: Buffer;
  readonly #headersSeparator: string;
  readonly #nullLiteral: Buffer;
  readonly #key: Deserializer | null;
  readonly #value: Deserializer | null;
  readonly #header: Deserializer | null;
  /** The fields to print, in Kafka's order. */
  readonly #fields: ((record: ConsumerRecord, output: FormatterOutput) => void)[];
  /** Nothing but values as they are: the quick way. */
  readonly #isPlain: boolean;

  constructor(properties: Properties) {
    const text = (key: string, fallback: string): string => properties.get(key) ?? fallback;
    this.#keySeparator = Buffer.from(text('key.separator', '\t'));
    this.#lineSeparator = Buffer.from(text('line.separator', '\n'));
    this.#headersSeparator = text('headers.separator', ',');
    this.#nullLiteral = Buffer.from(text('null.literal', 'null'));
    this.#key = deserializerByName(properties.get('key.deserializer'));
    this.#value = deserializerByName(properties.get('value.deserializer'));
    this.#header = deserializerByName(properties.get('headers.deserializer'));
    const isShown = (name: string): boolean =>
      text(`print.${name}`, name === 'value' ? 'true' : 'false')
        .trim()
        .toLowerCase() === 'true';
    this.#fields = Object.entries(this.#printers())
      .filter(([name]) => isShown(name))
      .map(([, print]) => print);
    this.#isPlain = this.#fields.length === 1 && isShown('value') && this.#value === null;
  }

  format(record: ConsumerRecord, output: FormatterOutput): void {
    if (this.#isPlain) {
      output.write(record.value ?? this.#nullLiteral);
      output.write(this.#lineSeparator);
      return;
    }
    const last = this.#fields.length - 1;
    for (const [index, print] of this.#fields.entries()) {
      print(record, output);
      output.write(index === last ? this.#lineSeparator : this.#keySeparator);
    }
  }

  #printers(): Record<string, (record: ConsumerRecord, output: FormatterOutput) => void> {
    return {
      timestamp: (record, output) => output.writeText(timestampText(record)),
      partition: ({ partition }, output) => output.writeText(`Partition:${partition}`),
      offset: ({ offset }, output) => output.writeText(`Offset:${offset}`),
      epoch: ({ leaderEpoch }, output) =>
        output.writeText(`Epoch:${leaderEpoch < 0 ? 'NOT_PRESENT' : leaderEpoch}`),
      headers: (record, output) => this.#printHeaders(record, output),
      key: ({ key }, output) => this.#print(key, this.#key, output),
      value: ({ value }, output) => this.#print(value, this.#value, output),
    };
  }

  #printHeaders({ headers }: ConsumerRecord, output: FormatterOutput): void {
    if (headers.length === 0) output.writeText('NO_HEADERS');
    for (const [index, { key, value }] of [...headers].entries()) {
      output.writeText(`${index === 0 ? '' : this.#headersSeparator}${key}:`);
      this.#print(value, this.#header, output);
    }
  }

  #print(bytes: Buffer | null, deserializer: Deserializer | null, output: FormatterOutput): void {
    if (bytes === null) output.write(this.#nullLiteral);
    else if (deserializer === null) output.write(bytes);
    else {
      const printed = deserializer(bytes);
      if (typeof printed === 'string') output.writeText(printed);
      else output.write(printed);
    }
  }
}

function timestampText({ timestamp, timestampType }: ConsumerRecord): string {
  if (timestamp < 0) return 'NO_TIMESTAMP';
  return `${timestampType === 'logAppendTime' ? 'LogAppendTime' : 'CreateTime'}:${timestamp}`;
}

/** Prints like the default one, and logs every record on standard error. */
class LoggingFormatter extends DefaultFormatter {
  override format(record: ConsumerRecord, output: FormatterOutput): void {
    super.format(record, output);
    const { key, value } = record;
    const time = timestampText(record);
    process.stderr.write(`${time}, key:${key ?? 'null'}, value:${value ?? 'null'}\n`);
  }
}

const formatters: Readonly<Record<string, (properties: Properties) => Formatter>> = {
  DefaultMessageFormatter: (properties) => new DefaultFormatter(properties),
  LoggingMessageFormatter: (properties) => new LoggingFormatter(properties),
  NoOpMessageFormatter: () => ({ format: () => {} }),
};

/** Throws a UsageError for a class that is not known, or a property that none of them has. */
export function createFormatter(className: string | undefined, properties: Properties): Formatter {
  const name = (className ?? 'DefaultMessageFormatter').replace(/^.*[.$]/, '');
  const create = formatters[name];
  if (create !== undefined) return create(properties);
  throw new UsageError(
    `there is no formatter ${className}: Java classes cannot be loaded; known are ` +
      Object.keys(formatters).join(', '),
  );
}
