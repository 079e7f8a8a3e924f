/**
 * What a CREATE TABLE statement says.
 *
 * Source: https://www.sqlite.org/lang_createtable.html.
 *
 * @module
 */

/** What is known of a table. */
export interface TableForm {
  /** Names of its columns, in order. */
  readonly columns: readonly string[];
  /** The column that is the row's number; -1 where there is none. */
  readonly rowIdColumn: number;
  /** Whether it is stored as an index is. */
  readonly isWithoutRowId: boolean;
}

/** A comment, a quoted name or text, a word or number, or another sign. What does not end ends with the text. */
const TOKEN =
  /--[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*(?:\]|$)|[\w$\u0080-\uffff]+|[^\s]/g;
/** What begins a table's constraint, not a column. */
const CONSTRAINTS = new Set(["PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT"]);
/** Characters of a statement that are looked at. */
const MAX_LENGTH = 1 << 20;

/** Reads a CREATE TABLE statement, as SQLite has checked it. */
export function parseTable(sql: string): TableForm {
  const tokens = (sql.slice(0, MAX_LENGTH).match(TOKEN) ?? []).filter((token) => !/^(--|\/\*)/.test(token));
  const parts: string[][] = [[]];
  let depth = 0;
  let at = tokens.indexOf("(");
  for (; at >= 0 && at < tokens.length; at++) {
    const token = tokens[at];
    if (token === "(" && ++depth === 1) continue;
    if (token === ")" && --depth === 0) break;
    if (token === "," && depth === 1) parts.push([]);
    else parts[parts.length - 1].push(token);
  }
  const isColumn = ([first = ""]: readonly string[]) => !CONSTRAINTS.has(first.toUpperCase());
  const fields = parts.filter(isColumn);
  const columns = fields.map(([name]) => unquoted(name ?? ""));
  const isKey = (part: readonly string[]) => /\bPRIMARY KEY\b/i.test(part.join(" "));
  const key = parts.find((part) => !isColumn(part) && isKey(part));
  const keyNames = key?.slice(key.indexOf("(") + 1, key.lastIndexOf(")")).map(unquoted);
  return {
    columns,
    rowIdColumn: fields.findIndex((part, i) =>
      part[1]?.toUpperCase() === "INTEGER" &&
      (isKey(part) || keyNames?.length === 1 && keyNames[0] === columns[i])
    ),
    isWithoutRowId: /\bWITHOUT ROWID\b/i.test(tokens.slice(at + 1).join(" ")),
  };
}

function unquoted(name: string): string {
  const quote = name[0];
  if (quote === "[") return name.slice(1, -1);
  if (quote !== '"' && quote !== "`" && quote !== "'") return name;
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}
