import { quoted } from "../util/excerpt.ts";
import type { QueryObject, QueryValue } from "../types.ts";
import { type Condition, parseConditions, pathsOf, refusal } from "./condition.ts";

/** What free-form metadata must hold. */
export type MetadataFilter = (metadata: QueryObject) => boolean;

/**
 * Conditions on metadata by path: keys with dots between, `*` for any key, `**` for any number of keys, `[2]` for an item
 * of a list, `[*]` for any. A path that leads to several values matches where one of them does.
 */
export function parseMetadataFilter(where: string, conditions: QueryObject): MetadataFilter {
  const filters = pathsOf(where, conditions).map(([path, given]): MetadataFilter => {
    const name = `${where}.${path}`;
    const steps = parsePath(name, path);
    const all = parseConditions(name, given);
    return (metadata) => {
      const values = valuesAt(metadata, steps);
      return all.every((condition) => holds(condition, values));
    };
  });
  return (metadata) => filters.every((filter) => filter(metadata));
}

function holds({ operator, test }: Condition, values: ReadonlySet<QueryValue>): boolean {
  if (operator === "$nex") return values.size === 0;
  for (const value of values) if (test(value)) return true;
  return false;
}

type Step = { key: string } | { item: number } | "anyKey" | "anyItem" | "below";

function parsePath(name: string, path: string): Step[] {
  return path.split(".").flatMap((part): Step[] => {
    const found = /^([^[\]]*)((?:\[(?:\*|\d{1,9})\])*)$/.exec(part);
    if (!found || part === "") {
      throw refusal(name, `its path has ${quoted(part)}, wanted a key or key[2]`);
    }
    const [, key, brackets] = found;
    const first: Step[] = key === "" ? [] : [key === "**" ? "below" : key === "*" ? "anyKey" : { key }];
    const rest = [...brackets.matchAll(/\[(\*|\d+)\]/g)].map(([, item]): Step =>
      item === "*" ? "anyItem" : { item: Number(item) }
    );
    return [...first, ...rest];
  });
}

/** All values at a path, step by step: a set at each, so that `**` again and again costs no more than once. */
function valuesAt(metadata: QueryObject, steps: readonly Step[]): Set<QueryValue> {
  let values = new Set<QueryValue>([metadata]);
  for (const step of steps) {
    const next = new Set<QueryValue>();
    if (step === "below") values.forEach((value) => addAll(value, next));
    else for (const value of values) for (const child of children(value, step)) next.add(child);
    values = next;
  }
  return values;
}

function children(value: QueryValue, step: Exclude<Step, "below">): readonly QueryValue[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    if (step === "anyItem") return value;
    return typeof step === "object" && "item" in step && step.item < value.length ? [value[step.item]] : [];
  }
  if (step === "anyKey") return Object.values(value);
  const key = typeof step === "object" && "key" in step ? step.key : undefined;
  return key !== undefined && Object.hasOwn(value, key) ? [(value as QueryObject)[key]] : [];
}

function addAll(value: QueryValue, to: Set<QueryValue>): void {
  to.add(value);
  if (typeof value === "object" && value !== null) Object.values(value).forEach((child) => addAll(child, to));
}
