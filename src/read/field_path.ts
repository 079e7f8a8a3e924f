import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import { didYouMean } from "../util/nearest.ts";
import type { MessageData } from "./merge/message.ts";

/**
 * The fields on the way to the one at a path of names joined by dots, such as `position.x`; the last is that field. With
 * `throughLists` a name may also be that of a field of a list's items. NOT_FOUND where there is none.
 */
export function fieldsAt(
  fields: readonly FieldSchema[],
  path: string,
  where: { sequence: string; topic: string },
  throughLists = false,
): FieldSchema[] {
  const trail: FieldSchema[] = [];
  let choices = fields;
  for (const part of path.split(".")) {
    const found = choices.find(({ name }) => name === part);
    if (!found) {
      const names = choices.map(({ name }) => name);
      throw new SmaltiError(
        "NOT_FOUND",
        `No field "${path}" in topic "${where.topic}" of sequence "${where.sequence}": ` +
          `"${part}" is none of ${names.join(", ") || "none"}${didYouMean(part, names)}`,
        where,
      );
    }
    trail.push(found);
    choices = childrenOf(found, throughLists);
  }
  return trail;
}

function childrenOf({ type, children }: FieldSchema, throughLists: boolean): readonly FieldSchema[] {
  if (type.kind === "struct") return children;
  return throughLists && isList(type) ? childrenOf(children[0], throughLists) : [];
}

/** Whether a type is one of a list's. */
export function isList({ kind }: FieldSchema["type"]): boolean {
  return kind === "list" || kind === "fixedList";
}

/** The value at a path of a message's data; undefined where it is missing. */
export function valueAt(data: MessageData, path: readonly string[]): unknown {
  // deno-lint-ignore no-explicit-any -- a walk down a path that was checked against the schema
  let value: any = data;
  for (const name of path) {
    if (value === undefined) return undefined;
    value = value[name];
  }
  return value;
}
