/**
 * `smalti splits`: pieces of recordings for the workers of a cluster, as JSON lines.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { SplitSize } from "../splits/cut_splits.ts";
import { optionalNamesArgument, parseSize, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { withClient } from "./open.ts";

interface SplitsArguments {
  store: string;
  topics?: string[];
  by: SplitSize;
}

/** Adds the command. */
export function addSplits(program: Command, context: Context): void {
  program.command("splits")
    .description(
      "Cuts sequences into pieces for the workers of a cluster, a line of JSON each: every message is in exactly one.",
    )
    .addArgument(optionalNamesArgument())
    .addOption(storeOption())
    .addOption(topicsOption())
    .addOption(
      new Option("--by <SIZE>", "how large they are: sequence, bytes=256M or seconds=60")
        .default({ bytes: 2 ** 28 }, "bytes=256M").argParser(parseBy),
    )
    .action(async (sequences: string[] | undefined, { store, topics, by }: SplitsArguments) => {
      await withClient(store, async (client) => {
        const { signal, out } = context;
        const options = { by, signal, ...(sequences?.length && { sequences }), ...(topics && { topics }) };
        for await (const split of client.splits(options)) await out.write(`${JSON.stringify(split)}\n`);
      });
    });
}

/** `sequence`, `bytes=256M`, `seconds=0.5`. */
function parseBy(text: string): SplitSize {
  if (text === "sequence") return text;
  const [, kind, value = ""] = /^(bytes|seconds)=(.+)$/.exec(text) ?? [];
  if (kind === "bytes") return { bytes: parseSize(value) };
  const seconds = Number(value);
  if (kind === "seconds" && seconds > 0 && Number.isFinite(seconds)) return { seconds };
  throw new InvalidArgumentError("Wanted sequence, bytes=256M or seconds=60.");
}
