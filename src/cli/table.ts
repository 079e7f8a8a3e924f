/** A column of {@linkcode formatTable}. */
export interface Column {
  title: string;
  align?: "left" | "right";
}

/**
 * Cells in columns, two spaces apart, with a line of titles. A row with fewer cells than columns ends in a text that
 * takes as much room as it needs.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, column) => {
    const cells = rows.filter((row) => row.length === columns.length || column < row.length - 1);
    return cells.reduce((width, row) => Math.max(width, row[column].length), title.length);
  });
  const line = (row: readonly string[]) =>
    row.map((cell, column) => {
      return columns[column].align === "right" ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
    }).join("  ").trimEnd() + "\n";
  return [columns.map(({ title }) => title), ...rows].map(line).join("");
}
