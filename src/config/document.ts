// docs/configuration.md, written from the tables: what a reader sees is what the broker does.

import { brokerConfigThemes } from './broker-definitions.ts';
import { legacyKeys } from './broker-legacy.ts';
import { clientMetricsConfigDefinitions } from './client-metrics-definitions.ts';
import type { Definition, Definitions } from './definition.ts';
import { groupConfigDefinitions } from './group-definitions.ts';
import { topicConfigDefinitions } from './topic-definitions.ts';
import { describeValues, formatValue } from './value.ts';

const introduction = `# Configuration

<!-- Written by \`npm run docs\` from the tables in src/config: change it there. -->

Keys, types and defaults are those of Apache Kafka 4.4. A value comes from the last of these that
names the key:

1. the default in the tables below
2. the file: \`kafka-server-start.sh FILE.properties\`, in Java's .properties format
3. the environment, as the apache/kafka image maps it: \`KAFKA_LOG_DIRS\` is \`log.dirs\`; two
   underscores stand for one, three for a dash
4. the command line: \`--override key=value\`
5. what \`kafka-configs.sh\` changed on the running cluster for all brokers (keys marked
   *cluster-wide*), then for one broker (those and keys marked *per-broker*)

A broker started without a file listens on \`PLAINTEXT://127.0.0.1:9092\` and keeps its data in
\`./data\`. Three defaults are ours, where Kafka demands a value: \`node.id=1\`,
\`process.roles=broker,controller\`, and no \`controller.listener.names\`.

An invalid value stops the start with one line that names key, value and what is allowed. An unknown
key is a warning with the nearest known name. A key whose last column is not *served* is understood,
checked, and changes nothing here for the reason given there; a start says so once.

Any key of the network, TLS and SASL tables can be given for one listener:
\`listener.name.<listener>.<key>\`.
`;

/** The whole of docs/configuration.md. */
export function documentConfiguration(): string {
  const parts = [introduction, '## Broker\n'];
  for (const [title, definitions] of brokerConfigThemes) {
    parts.push(`### ${title}\n`, brokerTable(definitions));
  }
  parts.push('### Keys that Kafka has dropped\n', legacyTable());
  const topics = 'A topic without a value of its own follows the broker key in the third column.\n';
  parts.push('## Topics\n', topics, scopedTable(topicConfigDefinitions, 'Broker key'));
  const groups = 'A group without a value of its own follows the broker key in the third column.\n';
  parts.push('## Groups\n', groups, scopedTable(groupConfigDefinitions, 'Broker key'));
  parts.push('## Client metrics\n', scopedTable(clientMetricsConfigDefinitions, 'Broker key'));
  return `${parts.join('\n').trimEnd()}\n`;
}

function brokerTable(definitions: Definitions): string {
  const head = ['Key', 'Type', 'Default', 'Values', 'Changes', 'What it does', 'Here'];
  return table(
    head,
    shown(definitions).map(([name, definition]) => [
      code(name),
      definition.type,
      defaultOf(definition),
      describeValues(definition),
      definition.update === 'read-only' ? 'at start' : definition.update,
      definition.doc,
      definition.accepted ?? '*served*',
    ]),
  );
}

function scopedTable(definitions: Definitions, third: string): string {
  const head = ['Key', 'Type', third, 'Default', 'Values', 'What it does', 'Here'];
  return table(
    head,
    shown(definitions).map(([name, definition]) => [
      code(name),
      definition.type,
      definition.fallbacks === undefined ? '' : code(definition.fallbacks[0]?.key ?? ''),
      defaultOf(definition),
      describeValues(definition),
      definition.doc,
      definition.accepted ?? '*served*',
    ]),
  );
}

function legacyTable(): string {
  const rows = Object.entries(legacyKeys).map(([name, what]) => [code(name), what]);
  return table(['Key', 'What became of it'], rows);
}

/** Kafka leaves its internal keys out of its documentation; so do we. */
function shown(definitions: Definitions): [string, Definition][] {
  return Object.entries(definitions).filter(([, definition]) => !definition.internal);
}

function defaultOf(definition: Definition): string {
  const text = formatValue(definition, definition.default);
  if (text === null) return '(not set)';
  return text === '' ? '(empty)' : code(text);
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${head.map(() => '---').join('|')}|`;
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`;
}
