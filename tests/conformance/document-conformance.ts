// docs/conformance.md: what a running broker answered (ask-broker.ts), what of it is served in part
// (remarks.ts), and what the tables of src/config say of every key.

import {
  brokerConfigDefinitions,
  type Definition,
  groupConfigDefinitions,
  topicConfigDefinitions,
} from '../../src/config/index.ts';
import { type BrokerAnswers, versionsOf } from './ask-broker.ts';
import { type KafkaApi, kafkaApis } from './kafka-apis.ts';
import { absent, partly } from './remarks.ts';

const introduction = `# Conformance

<!-- Written by \`npm run docs\`, from what a broker answers: tests/conformance. -->

Against Apache Kafka 4.4.0. A test asks a broker for every API in every version and fails when it
answers otherwise than this page says.

## APIs

*Served* in all versions of the second column, *partly* with what is missing, or refused. A request
in a version that is not served ends the connection, as with Kafka; only ApiVersions answers it,
with UNSUPPORTED_VERSION.
`;

/** "3-13", or "0" for a single version. */
function rangeText(min: number, max: number): string {
  return min === max ? String(min) : `${min}-${max}`;
}

/** What an API that is not served answers, in Kafka's versions of it. */
export function refusalOf(answers: BrokerAnswers, [key, , versions]: KafkaApi): string {
  const outcomes = versionsOf(versions).map((version) => answers.outcomes.get(key)?.get(version));
  return [...new Set(outcomes)].join(', ');
}

function apiRow(answers: BrokerAnswers, api: KafkaApi): string[] {
  const [key, name, versions, internal] = api;
  const range = answers.advertised.get(key);
  if (range === undefined) {
    const why = absent.find(([pattern]) => pattern.test(name))?.[1] ?? '';
    const reason = internal ? 'between brokers and controllers only' : why;
    return [name, String(key), '', versions, `refused: ${refusalOf(answers, api)}`, reason];
  }
  const remark = partly[name];
  const status = remark === undefined ? 'served' : 'partly';
  return [name, String(key), rangeText(range.min, range.max), versions, status, remark ?? ''];
}

function configTable(definitions: Readonly<Record<string, Definition>>): string {
  const shown = Object.entries(definitions).filter(([, definition]) => !definition.internal);
  const rows = shown.map(([name, { accepted }]) => [
    `\`${name}\``,
    accepted === undefined ? 'served' : 'accepted, not applied',
    accepted ?? '',
  ]);
  return table(['Key', 'Here', 'Why'], rows);
}

/** The whole of docs/conformance.md. */
export function documentConformance(answers: BrokerAnswers): string {
  const rows = kafkaApis.map((api) => apiRow(answers, api));
  const served = rows.filter((row) => row[4] === 'served' || row[4] === 'partly').length;
  return `${[
    introduction,
    `${served} of ${rows.length} APIs are served.\n`,
    table(['API', 'Key', 'Versions', 'In Kafka', 'Here', 'Remark'], rows),
    '## Configuration\n',
    'Types, defaults and meanings are in [configuration.md](configuration.md).\n',
    '### Broker\n',
    configTable(brokerConfigDefinitions),
    '### Topics\n',
    configTable(topicConfigDefinitions),
    '### Groups\n',
    configTable(groupConfigDefinitions),
  ]
    .join('\n')
    .trimEnd()}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')}\n`;
}
