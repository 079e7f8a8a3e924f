/**
 * `smalti cut NAME`: a sequence as several new ones, by times, period or size.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { totals } from "../util/totals.ts";
import { nameArgument, parseSize, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { startProgress } from "./progress.ts";
import { parseTime, resolveTime, type TimeArgument, TIMES_HELP } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

interface Options {
  at?: TimeArgument[];
  every?: bigint;
  size?: number;
  store: string;
}

/** Adds the command. */
export function addCut(program: Command, { out, signal }: Context): void {
  program.command("cut")
    .description("Cuts a sequence into new ones, NAME_000, NAME_001 and so on; the sequence stays.")
    .addArgument(nameArgument())
    .addOption(
      new Option("--at <T,...>", "a part from each of these times on, and one of what is before")
        .argParser(parseTimes),
    )
    .addOption(
      new Option("--every <PERIOD>", "a part for each, such as 500ms, 60s, 10m or 1h").argParser(parsePeriod),
    )
    .addOption(
      new Option("--size <SIZE>", "parts of about so many bytes, such as 64M or 1G").argParser(parseSize),
    )
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP)
    .action(async (name: string, { at: times, every: everyNs, size: sizeBytes, store }: Options) => {
      if ([times, everyNs, sizeBytes].filter((way) => way !== undefined).length !== 1) {
        throw new UsageError("wanted one of --at, --every and --size");
      }
      await withClient(store, async (client) => {
        const handler = await client.sequenceHandler(name);
        // Of a sequence without messages any time makes one part.
        const at = times?.map((time) => resolveTime(time, handler.firstNs) ?? 0n);
        const { cutSequence } = await import("../edit/cut.ts");
        const progress = await startProgress("cutting");
        const onProgress = progress.update;
        const parts = await cutSequence(handler, client, { at, everyNs, sizeBytes, signal, onProgress })
          .finally(() => progress.stop());
        for (const { name, topics } of parts) {
          await out.write(`${name}: ${count(totals(topics).rowCount, "message")}\n`);
        }
      });
    });
}

/** `+10,2023-11-14T22:13:20Z`; given again, they add up. */
function parseTimes(text: string, before: readonly TimeArgument[] = []): TimeArgument[] {
  return [...before, ...text.split(",").map((time) => parseTime(time.trim()))];
}

const UNIT_NS = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `500ms`, `60s`, `1.5h`: nanoseconds. */
function parsePeriod(text: string): bigint {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)$/.exec(text) ?? [];
  const ns = Math.round(Number(digits) * UNIT_NS[unit as keyof typeof UNIT_NS]);
  if (ns > 0 && Number.isSafeInteger(ns)) return BigInt(ns);
  throw new InvalidArgumentError("Wanted a period with its unit, such as 500ms, 60s, 10m or 1h.");
}
