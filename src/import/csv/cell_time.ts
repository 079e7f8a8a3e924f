/**
 * Cells that are times: numbers, ISO 8601, and dates with slashes or dots.
 *
 * @module
 */
import { parseIsoTime } from "../../util/iso_time.ts";
import { decimalToNs, type TimeUnit } from "../message_time.ts";

/** Which of the first two numbers of `01/20/2021` is the month; undefined where none of them has shown it. */
export type DateOrder = "month first" | "day first" | undefined;

const DATE = /^(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:[ T,]+(\d.*))?$/;
const CLOCK = /^(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?$/;

/** Looks at dates, to tell month from day. */
export class DateOrderTeller {
  #hasDates = false;
  #dayFirst = false;
  #monthFirst = false;

  /** Looks at a cell. */
  add(cell: string): void {
    const [, first, point, second] = DATE.exec(cell) ?? [];
    if (first === undefined) return;
    this.#hasDates = true;
    // With dots the day is first everywhere.
    if (Number(first) > 12 || point === ".") this.#dayFirst = true;
    if (Number(second) > 12) this.#monthFirst = true;
  }

  get order(): DateOrder {
    if (this.#dayFirst === this.#monthFirst) return undefined;
    return this.#dayFirst ? "day first" : "month first";
  }

  /** Whether there are dates, and none tells. */
  get isAmbiguous(): boolean {
    return this.#hasDates && this.order === undefined;
  }
}

/** The time that a cell is, exactly as its digits say; undefined where it is none. One without a zone is UTC. */
export function cellTime(cell: string, unit: TimeUnit, order: DateOrder): bigint | undefined {
  const number = cell.replace(/^\+/, "").replace(/^(-?)\./, "$10.").replace(/\.(?=$|[eE])/, "");
  return decimalToNs(number, unit) ?? parseIsoTime(cell) ?? (order && dateTime(cell, order));
}

function dateTime(cell: string, order: DateOrder): bigint | undefined {
  const [, first, , second, year, clock = "0:00"] = DATE.exec(cell) ?? [];
  const [, hour, minute, seconds = "00", fraction = "0", half] = CLOCK.exec(clock) ?? [];
  if (first === undefined || hour === undefined) return undefined;
  const [month, day] = order === "month first" ? [first, second] : [second, first];
  const two = (text: string | number) => String(text).padStart(2, "0");
  if (half !== undefined && (Number(hour) < 1 || Number(hour) > 12)) return undefined;
  const hours = half === undefined ? hour : Number(hour) % 12 + (/p/i.test(half) ? 12 : 0);
  return parseIsoTime(`${year}-${two(month)}-${two(day)}T${two(hours)}:${minute}:${seconds}.${fraction}`);
}
