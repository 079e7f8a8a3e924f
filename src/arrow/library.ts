/**
 * apache-arrow, an optional package: its types, and where the library itself comes from. Nothing here imports it: an entry
 * that does brings a loader, elsewhere it is handed in.
 *
 * @module
 */
import type * as Arrow from "apache-arrow";
import type { SmaltiError } from "../error.ts";
import { missingPackage } from "../missing_package.ts";

export type { RecordBatch, Table } from "apache-arrow";

/** What is used of apache-arrow; the library's module has it. */
export type ArrowLibrary = Pick<typeof Arrow, "Table" | "tableFromIPC" | "tableToIPC">;

/** apache-arrow, or a function that imports it when a Table or RecordBatch is first asked for. */
export type ArrowSource = ArrowLibrary | (() => Promise<ArrowLibrary>);

/** Gives apache-arrow. UNSUPPORTED, with what to install, where it is not there. */
export type LoadArrow = () => Promise<ArrowLibrary>;

/** Where nobody brings apache-arrow. */
export const noArrow: LoadArrow = () =>
  Promise.reject(arrowMissing({ then: `hand it in: connect(url, { arrow: () => import("apache-arrow") })` }));

/** UNSUPPORTED, with what to install. */
export function arrowMissing(reason: { then?: string; cause?: unknown }): SmaltiError {
  return missingPackage("exchange Tables and RecordBatches", "apache-arrow", reason);
}

/** What an option says of where apache-arrow comes from; `own` where it says nothing. TypeError for what is none. */
export function arrowLoader(given: ArrowSource | undefined, own: LoadArrow = noArrow): LoadArrow {
  if (given === undefined) return own;
  if (typeof given === "function") {
    return async () => {
      const library = await given();
      check(library, "What option arrow returned");
      return library;
    };
  }
  check(given, "Option arrow");
  return () => Promise.resolve(given);
}

function check(library: unknown, what: string): void {
  if (typeof (library as ArrowLibrary | undefined)?.tableFromIPC === "function") return;
  throw new TypeError(`${what} is not apache-arrow: wanted its module, or a function that imports it`);
}
