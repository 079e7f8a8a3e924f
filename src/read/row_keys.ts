import { SmaltiError } from "../error.ts";
import { type FieldSchema, typeName } from "../schema.ts";
import { encodeBase64 } from "../util/base64.ts";
import { fieldsAt, isList, valueAt } from "./field_path.ts";
import type { MessageData } from "./merge/message.ts";

/** What a message's key is made of. */
interface KeyPath {
  readonly path: string;
  /** Names up to the list, or to the value where there is none. */
  readonly outer: readonly string[];
  /** Names from an item of the list on; undefined where there is no list. */
  readonly inner: readonly string[] | undefined;
}

/**
 * The keys of a topic's messages: the values of fields, as one text. Where the fields lie in the items of a list, a message
 * has a key for each of its items.
 */
export class RowKeys {
  readonly #paths: readonly KeyPath[];
  /** Names up to the list. */
  readonly #list: readonly string[] | undefined;

  /**
   * @param fields The topic's fields, without its time.
   * @param by Paths of the fields. NOT_FOUND; INVALID_ARGUMENT where one holds no single values, or they lie in several lists.
   */
  constructor(
    fields: readonly FieldSchema[],
    by: readonly string[],
    where: { sequence: string; topic: string },
  ) {
    this.#paths = by.map((path) => keyPath(path, fieldsAt(fields, path, where, true), where));
    const lists = this.#paths.filter(({ inner }) => inner !== undefined);
    this.#list = lists[0]?.outer;
    const other = lists.find(({ outer }) => outer.join(".") !== this.#list!.join("."));
    if (other) {
      throw refusal(`fields "${lists[0].path}" and "${other.path}"`, "they lie in two lists", where);
    }
  }

  /** The keys of one message; none where the list is empty or missing. A field without a value is a value too. */
  of(data: MessageData): string[] {
    if (this.#list === undefined) {
      return [JSON.stringify(this.#paths.map(({ outer }) => keyPart(valueAt(data, outer))))];
    }
    const items = Array.from(valueAt(data, this.#list) as ArrayLike<unknown> ?? []);
    return items.map((item) =>
      JSON.stringify(
        this.#paths.map(({ outer, inner }) =>
          keyPart(inner ? valueAt(item as MessageData, inner) : valueAt(data, outer))
        ),
      )
    );
  }
}

function keyPath(
  path: string,
  trail: readonly FieldSchema[],
  where: { sequence: string; topic: string },
): KeyPath {
  const names = trail.map(({ name }) => name);
  const at = trail.findIndex(({ type }) => isList(type));
  const last = trail.at(-1)!;
  const value = isList(last.type) ? last.children[0] : last;
  const isNested = trail.filter(({ type }) => isList(type)).length > 1 || trail.some(isListOfLists);
  if (value.children.length > 0 || value.type.kind === "struct" || isNested) {
    const found = isNested ? "it lies in a list of lists" : `it is ${typeName(last)}`;
    throw refusal(`field "${path}"`, `${found}, wanted text, a number, a bool or bytes`, where);
  }
  if (at < 0) return { path, outer: names, inner: undefined };
  return { path, outer: names.slice(0, at + 1), inner: names.slice(at + 1) };
}

function isListOfLists({ type, children }: FieldSchema): boolean {
  return isList(type) && isList(children[0].type);
}

function refusal(what: string, why: string, where: { sequence: string; topic: string }): SmaltiError {
  return new SmaltiError(
    "INVALID_ARGUMENT",
    `Cannot tell messages of topic "${where.topic}" of sequence "${where.sequence}" by ${what}: ${why}`,
    where,
  );
}

/** A value as JSON tells it from all others of its type; null where it is missing. */
function keyPart(value: unknown): string | null {
  if (value === undefined) return null;
  return value instanceof Uint8Array ? encodeBase64(value) : String(value);
}
