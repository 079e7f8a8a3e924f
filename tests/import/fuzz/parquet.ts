/**
 * What can be wrong within a Parquet file: pages, their headers, and the footer, each of which is what another is held against.
 *
 * @module
 */
import type { Random } from "../../support/random_cases.ts";
import { parquetFile, type ParquetParts, type Struct, type Value } from "../parquet_parts.ts";
import { FAR, mutate, NUMBERS } from "./mutate.ts";

/** The file with something wrong in it, whose lengths and places are right but for those that are what is wrong. */
export function damagedParquet(parts: ParquetParts, random: Random): Uint8Array {
  const { footer, chunks } = structuredClone(parts);
  const columns = chunks.flat();
  const pages = columns.flatMap(({ pages }) => pages);
  let change: ((footer: Struct) => void) | undefined;
  for (let i = random.pick([1, 1, 2, 3]); i > 0; i--) {
    const page = random.pick(pages);
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2: {
        const others = pages.map(({ data }) => data).filter(({ length }) => length > 0);
        page.data = mutate(page.data.length > 0 ? page.data : new Uint8Array(1), random, others);
        break;
      }
      case 3:
        lieIn(page.header, random, page.data.length);
        break;
      case 4:
        lieIn(footer, random, page.data.length);
        break;
      case 5: // pages of another column
        random.pick(columns).pages = random.pick(columns).pages.slice();
        break;
      case 6: { // a page twice, or none
        const { pages: some } = random.pick(columns);
        if (random.oneIn(2)) some.push(random.pick(pages));
        else some.splice(random.below(some.length), 1);
        break;
      }
      default: // where pages are and how long
        change = (footer) => lieIn(footer, random, page.data.length);
    }
  }
  return parquetFile({ footer, chunks }, { keepsLengths: random.oneIn(6), ...(change && { change }) });
}

/** Kinds of types, encodings and codecs. */
const SMALL = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n];

/** Makes one value somewhere in a struct another one. */
function lieIn(root: Struct, random: Random, size: number): void {
  const places: (() => void)[] = [];
  const visit = (value: Value["value"], set: (value: Value["value"]) => void, drop: () => void) => {
    if (typeof value === "bigint") {
      places.push(() =>
        set(random.pick([value + 1n, value - 1n, 2n * value, BigInt(size), ...SMALL, ...NUMBERS, ...FAR]))
      );
    } else if (typeof value === "boolean") places.push(() => set(!value));
    else if (value instanceof Uint8Array) {
      if (value.length > 0) places.push(() => set(mutate(value, random, [value])));
    } else if (value instanceof Map) {
      for (const [id, field] of value) {
        visit(field.value, (other) => field.value = other, () => value.delete(id));
      }
    } else {
      value.items.forEach((item, i) =>
        visit(item, (other) => value.items[i] = other, () => value.items.splice(i, 1))
      );
      places.push(() =>
        random.oneIn(2) ? value.items.reverse() : value.items.push(...value.items.slice(0, 1))
      );
    }
    places.push(drop);
  };
  visit(root, () => {}, () => {});
  random.pick(places)();
}
