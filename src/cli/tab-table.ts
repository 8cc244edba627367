// Tables as Kafka prints them for transactions and the quorum: every column as wide as its widest
// cell, each cell followed by a tab. Scripts cut them at the tabs.

/** The titles and a line per row, each ended by a line break. */
export function tabTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = [titles, ...rows];
  const widths = titles.map((_, column) =>
    table.reduce((width, row) => Math.max(width, (row[column] as string).length), 0),
  );
  return table
    .map((row) => `${row.map((cell, at) => `${cell.padEnd(widths[at] as number)}\t`).join('')}\n`)
    .join('');
}
