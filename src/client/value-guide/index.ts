// What each type of each system is in JavaScript: the one table that every serde, connector and
// query keeps to (docs/decisions/0024), and the page that is made of it. Loaded by no client.
//
// Invariant: nothing is lost on the way there and back; where JavaScript has no place for a value,
// the way is refused.

/** A type of a system, what it is in JavaScript, and what has to be known of it. */
type Row = readonly [type: string, javascript: string, remark?: string];

export interface ValueSystem {
  readonly name: string;
  readonly rows: readonly Row[];
}

const wide = "`int64: 'number'` gives a number and refuses what is beyond 2^53";
const micros = 'a `Date` would cut the microseconds';
const midnight = 'never a `Date`: midnight is a different moment in each time zone';
const decimalText = 'all digits and the scale are kept';

export const valueSystems: readonly ValueSystem[] = [
  {
    name: "Built-in serdes (Java's bytes)",
    rows: [
      ['`bytes()`', '`Uint8Array`', 'received as a `Buffer`, a slice of what was fetched'],
      ['`string()`', '`string`', 'half of a surrogate pair is refused: UTF-8 cannot hold it'],
      ['`uuid()`', '`string`', 'of 36 characters, in lower case'],
      ['`int16()`, `int32()`', '`number`', 'what is not whole or out of range is refused'],
      ['`int64()`', '`bigint`', wide],
      ['`float32()`', '`number`', 'rounded to the nearest; infinite by rounding is refused'],
      ['`float64()`', '`number`', '-0, NaN and infinities are kept'],
      ['`boolean()`', '`boolean`'],
      ['`json()`', 'any JSON value', '-0 is kept; NaN, infinities, `bigint` are refused'],
    ],
  },
  {
    name: 'Avro',
    rows: [
      ['null', '`null`'],
      ['boolean', '`boolean`'],
      ['int', '`number`'],
      ['long', '`bigint`', wide],
      ['float, double', '`number`', '-0, NaN and infinities are kept'],
      ['bytes, fixed', '`Uint8Array`'],
      ['string', '`string`'],
      ['enum', '`string`', 'the symbol'],
      ['array', 'array'],
      ['map', 'object', 'keys in the order in which they came'],
      ['record', 'object', 'fields in the order of the schema'],
      ['union of null and one other', 'the value or `null`'],
      ['any other union', "`{ 'full.Name': value }` or `null`", "Avro's JSON form"],
      ['decimal', '`Decimal`', 'of the scale of the schema; another scale is refused'],
      ['uuid', '`string`'],
      ['date', '`number`', `days since 1970-01-01; ${midnight}`],
      ['time-millis', '`number`', 'milliseconds since midnight'],
      ['time-micros', '`bigint`', 'microseconds since midnight'],
      ['timestamp-millis', '`Date`'],
      ['timestamp-micros, timestamp-nanos', '`bigint`', `since 1970; ${micros}`],
      ['local-timestamp-millis', '`number`', 'since 1970 on the clock of a place that is not said'],
      ['local-timestamp-micros, -nanos', '`bigint`', 'the same in finer units'],
      ['duration', '`{ months, days, milliseconds }`', 'three unsigned int32'],
    ],
  },
  {
    name: 'Protobuf',
    rows: [
      ['bool', '`boolean`'],
      ['int32, sint32, uint32, fixed32, sfixed32', '`number`'],
      ['int64, sint64, uint64, fixed64, sfixed64', '`bigint`', wide],
      ['float, double', '`number`', '-0, NaN and infinities are kept'],
      ['string', '`string`'],
      ['bytes', '`Uint8Array`'],
      ['enum', '`string`', 'the name; a number that has no name stays a number'],
      ['message', 'object', 'unknown fields are kept on a round trip'],
      ['repeated', 'array'],
      ['map', 'object'],
      ['oneof', 'the field that is set'],
      ['optional', 'the value; absent when it is not set'],
      ['google.protobuf.Timestamp', '`bigint`', 'nanoseconds since 1970'],
      ['google.protobuf.Duration', '`bigint`', 'nanoseconds'],
      ['google.protobuf.Struct, Value, ListValue', 'any JSON value'],
      ['google.type.Date', '`{ year, month, day }`', midnight],
      ['confluent.type.Decimal', '`Decimal`', decimalText],
    ],
  },
  {
    name: 'JSON Schema',
    rows: [
      ['null', '`null`'],
      ['boolean', '`boolean`'],
      ['integer', '`number`', 'beyond 2^53 refused, unless the serde is told to give `bigint`'],
      ['number', '`number`'],
      ['string', '`string`', 'lone surrogates are kept, as an escape'],
      ['string with format date, time, date-time', '`string`', 'formats are remarks, not types'],
      ['array', 'array'],
      ['object', 'object', 'keys in the order in which they came'],
    ],
  },
  {
    name: 'Connect',
    rows: [
      ['BOOLEAN', '`boolean`'],
      ['INT8, INT16, INT32', '`number`'],
      ['INT64', '`bigint`', wide],
      ['FLOAT32, FLOAT64', '`number`', '-0, NaN and infinities are kept'],
      ['STRING', '`string`'],
      ['BYTES', '`Uint8Array`'],
      ['ARRAY', 'array'],
      ['MAP', '`Map`', 'keys may be of any type'],
      ['STRUCT', 'object', 'fields in the order of the schema'],
      ['Decimal', '`Decimal`', decimalText],
      ['Date', '`number`', `days since 1970-01-01; ${midnight}`],
      ['Time', '`number`', 'milliseconds since midnight'],
      ['Timestamp', '`Date`'],
    ],
  },
  {
    name: 'SQL',
    rows: [
      ['BOOLEAN', '`boolean`'],
      ['INT', '`number`'],
      ['BIGINT', '`bigint`', wide],
      ['DOUBLE', '`number`'],
      ['DECIMAL(p, s)', '`Decimal`', "Java's HALF_UP where a result needs fewer digits"],
      ['VARCHAR, STRING', '`string`'],
      ['BYTES', '`Uint8Array`'],
      ['DATE', "`'YYYY-MM-DD'`", midnight],
      ['TIME', "`'HH:MM:SS.sss'`"],
      ['TIMESTAMP', '`Date`', 'milliseconds'],
      ['ARRAY', 'array'],
      ['MAP', 'object'],
      ['STRUCT', 'object'],
    ],
  },
  {
    name: 'PostgreSQL',
    rows: [
      ['boolean', '`boolean`'],
      ['smallint, integer, oid', '`number`'],
      ['bigint', '`bigint`', wide],
      ['real, double precision', '`number`', 'NaN and infinities are kept'],
      ['numeric', '`Decimal`', "`'NaN'` and infinities, which no decimal has, as text"],
      ['money', '`string`', 'its form depends on the database'],
      ['text, varchar, char, citext', '`string`'],
      ['bytea', '`Uint8Array`'],
      ['uuid', '`string`'],
      ['json, jsonb', '`string`', 'the text: its numbers may have any number of digits'],
      ['date', "`'YYYY-MM-DD'`", `${midnight}; also \`'infinity'\` and years BC`],
      ['time', "`'HH:MM:SS.ssssss'`"],
      ['timetz', "`'HH:MM:SS.ssssss+ZZ'`"],
      ['timestamp', '`bigint`', `microseconds since 1970 on a clock without a zone; ${micros}`],
      ['timestamptz', '`bigint`', `microseconds since 1970; ${micros}`],
      ['interval', '`string`', 'ISO 8601: months, days and times do not convert'],
      ['arrays', 'array'],
      ['enum', '`string`'],
      ['range, inet, point …', '`string`', 'as the database writes it'],
    ],
  },
  {
    name: 'MySQL',
    rows: [
      ['TINYINT(1), BOOL', '`boolean`', '`number` with `tinyInt1isBit: false`'],
      ['TINYINT, SMALLINT, MEDIUMINT, INT', '`number`', 'unsigned too'],
      ['BIGINT', '`bigint`', `unsigned too; ${wide}`],
      ['FLOAT, DOUBLE', '`number`'],
      ['DECIMAL', '`Decimal`', decimalText],
      ['CHAR, VARCHAR, TEXT', '`string`'],
      ['BINARY, VARBINARY, BLOB, BIT', '`Uint8Array`'],
      ['JSON', '`string`', 'the text: its numbers may have any number of digits'],
      [
        'DATE',
        "`'YYYY-MM-DD'`",
        `${midnight}; \`0000-00-00\` is null or an error, as is asked for`,
      ],
      ['TIME', "`'HHH:MM:SS.ssssss'`", 'from -838 to 838 hours'],
      ['DATETIME', '`bigint`', `microseconds since 1970 on a clock without a zone; ${micros}`],
      ['TIMESTAMP', '`bigint`', `microseconds since 1970, read in UTC; ${micros}`],
      ['YEAR', '`number`'],
      ['ENUM, SET', '`string`'],
    ],
  },
  {
    name: 'SQLite',
    rows: [
      ['INTEGER', '`bigint`', wide],
      ['REAL', '`number`'],
      ['TEXT', '`string`'],
      ['BLOB', '`Uint8Array`'],
      ['NULL', '`null`'],
      ['a column that is declared BOOLEAN', '`boolean`', 'stored as 0 and 1'],
      ['a column that is declared DECIMAL', '`Decimal`', 'stored as TEXT: REAL would round'],
      ['a column that is declared DATE', "`'YYYY-MM-DD'`", midnight],
      ['a column that is declared TIMESTAMP', '`Date`', 'stored as ISO 8601 text in UTC'],
    ],
  },
];

const opening = `# Values

Written by \`npm run docs\` from \`src/client/value-guide\`: do not edit.

What each type is in JavaScript, the same for every serde, connector and query, and back without
loss:

- 64-bit integers are \`bigint\` (\`5n\`). The option \`int64: 'number'\` gives numbers, and refuses
  what is beyond 2^53; it never rounds.
- Decimals are \`Decimal\` (an unscaled \`bigint\` and a scale), with Java's roundings where one is
  named.
- Times in milliseconds are \`Date\`; times in micro- and nanoseconds are \`bigint\`. A date without
  a time is never a \`Date\`.
- Bytes are \`Uint8Array\`. \`null\` is a tombstone as a record's value, and a missing value within
  one.

The built-in serdes and \`Decimal\` are here. The other tables say what the parts that come will do.
`;

/** The text of docs/values.md. */
export function documentValues(): string {
  const tables = valueSystems.map(({ name, rows }) => {
    const lines = rows.map(([type, javascript, remark = '']) => {
      return `| ${type} | ${javascript} | ${remark} |`;
    });
    return ['', `## ${name}`, '', '| type | JavaScript | |', '|---|---|---|', ...lines, ''].join(
      '\n',
    );
  });
  return opening + tables.join('');
}
