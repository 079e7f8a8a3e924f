import { FixedListVector, ListVector, StructVector, type Vector } from "../../arrow/vector.ts";
import { encodeBase64 } from "../../util/base64.ts";

/**
 * A value as JSON text; undefined where it is missing. Bytes are in base64, NaN and the infinities words, -0 with its sign
 * (and a point: many readers take `-0` for an integer), members that are missing left out, and items null.
 *
 * @param allDigits Whether integers beyond 2^53 are numbers too, and not text.
 */
export function jsonOfValue(vector: Vector, row: number, allDigits: boolean): string | undefined {
  if (vector instanceof StructVector) {
    return vector.isMissing(row) ? undefined : jsonOfRow(vector.children, row, allDigits);
  }
  if (vector instanceof ListVector || vector instanceof FixedListVector) {
    if (!vector.isValid(row)) return undefined;
    const [from, to] = vector.range(row);
    const [child] = vector.children;
    child.prove();
    const items: string[] = [];
    for (let i = from; i < to; i++) items.push(jsonOfValue(child, i, allDigits) ?? "null");
    return `[${items.join(",")}]`;
  }
  const value = vector.get(row);
  switch (typeof value) {
    case "undefined":
      return undefined;
    case "number":
      if (Object.is(value, -0)) return "-0.0";
      return Number.isFinite(value) ? `${value}` : `"${value}"`;
    case "bigint":
      return allDigits || Number.isSafeInteger(Number(value)) ? `${value}` : `"${value}"`;
    case "string":
    case "boolean":
      return JSON.stringify(value);
    default:
      if (value instanceof Uint8Array && !isList(vector)) return `"${encodeBase64(value)}"`;
      return JSON.stringify(vector.plain(row, true));
  }
}

/** Columns of a row as a JSON object. */
export function jsonOfRow(
  columns: readonly Vector[],
  row: number,
  allDigits: boolean,
  names: readonly string[] = columns.map(({ field }) => field.name),
): string {
  const members: string[] = [];
  for (let i = 0; i < columns.length; i++) {
    const text = jsonOfValue(columns[i], row, allDigits);
    if (text !== undefined) members.push(`${JSON.stringify(names[i])}:${text}`);
  }
  return `{${members.join(",")}}`;
}

/** Whether a column that is stored in another encoding is of lists: of uint8 they look like bytes. */
function isList({ field: { type } }: Vector): boolean {
  return type.kind === "list" || type.kind === "listView" || type.kind === "fixedList";
}
