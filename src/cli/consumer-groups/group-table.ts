// Tables as kafka-consumer-groups prints them: columns of a least width, separated by one space.
// Scripts cut them into columns, so the widths and the names are Kafka's.

export interface Column<Row> {
  readonly title: string;
  readonly widthMin: number;
  readonly text: (row: Row) => string;
  /** The last column of some tables is not padded. */
  readonly isBare?: boolean;
}

/** The header and a line per row, each ended by a line break. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const widths = columns.map(({ widthMin }, index) =>
    cells.reduce((width, line) => Math.max(width, (line[index] as string).length), widthMin),
  );
  const formatLine = (texts: readonly string[]): string =>
    texts
      .map((text, index) => (columns[index]?.isBare ? text : text.padEnd(widths[index] as number)))
      .join(' ');
  const lines = [columns.map(({ title }) => title), ...cells].map(formatLine);
  return lines.map((line) => `${line}\n`).join('');
}
