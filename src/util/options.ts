import { didYouMean } from "./nearest.ts";

/** The options of an interface by name: the type checker refuses a table that lacks one, or has one more. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Refuses options that nobody would look at, as misspelled ones. TypeError, which begins with what was tried. */
export function checkOptions<T>(options: T, names: OptionNames<T>, tried: string, kind = "option"): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${tried}: ${kind}s are ${String(options)}, wanted an object`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const near = didYouMean(name, known) || `; wanted ${known.length > 0 ? known.join(", ") : "none"}`;
    throw new TypeError(`${tried}: there is no ${kind} ${JSON.stringify(name)}${near}`);
  }
}
