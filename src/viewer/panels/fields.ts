/** Fields of topics, as panels choose among them. */
import type { FieldInfo, Row, TopicSummary } from "../data/protocol.ts";

/** All fields that hold no others, with those within structs. */
export function leavesOf(fields: readonly FieldInfo[]): FieldInfo[] {
  return fields.flatMap((field) => field.kind === "struct" ? leavesOf(field.children) : [field]);
}

/** What a plot may draw. */
export function numbersOf({ fields }: TopicSummary): FieldInfo[] {
  return leavesOf(fields).filter(({ kind }) => kind === "number" || kind === "bool");
}

/** Fields that are counters, clocks and serial numbers rather than anything to look at. */
const DULL =
  /timestamp|(^|[._])(id|seq|stamp|sec|nsec|nanosec|count|counter|dt|reserved)($|[._[])|_id$|_count$|variance|covariance|padding/i;

/** Whether a field is none that one would look at by itself, by its path. */
export function isDull(path: string): boolean {
  return DULL.test(path);
}

/** Lines that a plot makes of a whole topic. */
const MAX_TOPIC_LINES = 6;

/** A field, or those of a topic that one would look at. */
export function fieldsToPlot(topic: TopicSummary, path: string | undefined): FieldInfo[] {
  const fields = numbersOf(topic);
  if (path !== undefined) return fields.filter((field) => field.path === path);
  const telling = fields.filter((field) => !isDull(field.path));
  return (telling.length > 0 ? telling : fields).slice(0, MAX_TOPIC_LINES);
}

/** Fields of one of some kinds. */
export function fieldsOfKind(topic: TopicSummary | undefined, ...kinds: FieldInfo["kind"][]): FieldInfo[] {
  return topic ? leavesOf(topic.fields).filter(({ kind }) => kinds.includes(kind)) : [];
}

/** A value of a row by its field's path. */
export function valueOf({ data }: Row, path: string): unknown {
  return valueIn(data, path);
}

/** A value by its field's path: those of chosen fields may have them by their paths, others as they lie in each other. */
export function valueIn(data: { readonly [key: string]: unknown }, path: string): unknown {
  if (Object.hasOwn(data, path)) return data[path];
  return path.split(".").reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, name)
        ? (value as { readonly [name: string]: unknown })[name]
        : undefined,
    data,
  );
}

/** A value in one line: numbers and texts as they are, the rest as short JSON. */
export function valueText(value: unknown, maxLength = 120): string {
  const text = plainText(value);
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (typeof value === "number") {
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
  }
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const array = value as unknown as ArrayLike<number | bigint>;
    const first = Array.from({ length: Math.min(array.length, 8) }, (_, i) => plainText(array[i]));
    return `[${first.join(", ")}${array.length > 8 ? `, … ${array.length}` : ""}]`;
  }
  if (Array.isArray(value)) {
    const first = value.slice(0, 8).map(plainText);
    return `[${first.join(", ")}${value.length > 8 ? `, … ${value.length}` : ""}]`;
  }
  if (typeof value === "object") {
    return `{${
      Object.entries(value).slice(0, 8).map(([key, part]) => `${key}: ${plainText(part)}`).join(", ")
    }}`;
  }
  return String(value);
}
