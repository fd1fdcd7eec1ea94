/** Texts of others (models, people, documents) made fit for a terminal, and texts of ours made fit for a shell. */

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * A text without characters that steer a terminal: what a model says must not move the cursor or set a title.
 * Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(CONTROL, '�');
}

/**
 * The first line of a value that says something, at most `width` characters of it.
 *
 * @example
 * firstLine('\n**Found:** tea\nand more', 20) // '**Found:** tea'
 */
export function firstLine(value: unknown, width: number): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const line = printable(text)
    .split('\n')
    .map((candidate) => candidate.replaceAll('\t', ' ').trim())
    .find((candidate) => candidate !== '');
  return shorten(line ?? '', width);
}

/** At most `width` characters; what was cut off is marked by `…`. Never cuts an emoji in two. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`;
}

/**
 * An argument as it is typed in a POSIX shell.
 *
 * @example
 * shellQuote("it's") // `'it'\''s'`
 */
export function shellQuote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

/** Rows as columns, two spaces apart; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
    )
    .join('\n');
}

/** Milliseconds as a person says them: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
