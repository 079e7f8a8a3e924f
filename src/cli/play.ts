/**
 * `smalti play NAME`: the messages of a sequence, in time order.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceStreamer } from "../read/sequence_streamer.ts";
import { totals } from "../util/totals.ts";
import { nameArgument, parseTopics, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { type Format, FORMATS, messageLine } from "./message_lines.ts";
import { withSequence } from "./open.ts";
import { Pace } from "./pace.ts";
import { parseTime, resolveTime, type TimeArgument } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

interface Options {
  topics?: string[];
  start?: TimeArgument;
  end?: TimeArgument;
  /** How many times as fast as it was recorded; Infinity for `max`. */
  speed: number;
  /** The longest wait between two messages, in seconds. */
  maxGap: number;
  format: Format;
  /** Go on with what is still being recorded. */
  follow?: boolean;
  store: string;
}

/** Adds the command. */
export function addPlay(program: Command, context: Context): void {
  program.command("play")
    .description("Prints the messages of a sequence in time order.")
    .addArgument(nameArgument())
    .addOption(new Option("--topics <a,b>", "topics to play (default: all)").argParser(parseTopics))
    .addOption(
      new Option("--start <T>", "first time to play (default: the first message)").argParser(parseTime),
    )
    .addOption(new Option("--end <T>", "first time not to play (default: none)").argParser(parseTime))
    .addOption(
      new Option("--speed <X>", "times as fast as it was recorded, or max")
        .argParser(parseSpeed).default(Infinity, "max"),
    )
    .addOption(
      new Option("--max-gap <S>", "longest wait between two messages, in seconds (default: none)")
        .argParser(parseMaxGap).default(Infinity, "none").conflicts("follow"),
    )
    .addOption(new Option("--format <FORMAT>", "how to print them").choices(FORMATS).default("text"))
    .addOption(
      new Option("--follow", "go on with what is still being recorded, until it is finalized")
        .conflicts("speed"),
    )
    .addOption(storeOption())
    .addHelpText(
      "after",
      "\nT is integer nanoseconds, a date such as 2023-11-14T22:13:20.5Z (UTC unless it says otherwise),\n" +
        "or +seconds after the first message of the sequence.",
    )
    .action(async (name: string, options: Options) => {
      await withSequence(options.store, name, (handler) => play(context, handler, options), options);
    });
}

async function play({ out, signal }: Context, handler: SequenceHandler, options: Options): Promise<void> {
  const { topics, speed, format, follow } = options;
  const stream = handler.getDataStreamer({ topics, ...window(handler, options), signal, follow });
  if (speed !== Infinity) return await playPaced({ out, signal }, stream, options);
  for await (const block of stream.batches()) {
    for (const [, message] of block) {
      const full = out.write(messageLine(message, format));
      if (full) await full;
    }
    // The next block may be long in coming.
    if (follow) await out.flush();
  }
}

async function playPaced(
  { out, signal }: Pick<Context, "out" | "signal">,
  stream: SequenceStreamer,
  { speed, maxGap, format }: Options,
): Promise<void> {
  const pace = new Pace(speed, maxGap * 1000, signal);
  for await (const [, message] of stream) {
    const { timestampNs } = message;
    if (pace.until(timestampNs) > 0) {
      // Nobody should wait for what was due before.
      await out.flush();
      await pace.wait(timestampNs);
    }
    await out.write(messageLine(message, format));
  }
}

function window(handler: SequenceHandler, { start, end }: Options): { startNs?: bigint; endNs?: bigint } {
  const { firstNs } = totals(handler.topics);
  const startNs = resolveTime(start, firstNs);
  const endNs = resolveTime(end, firstNs);
  if (startNs !== undefined && endNs !== undefined && startNs > endNs) {
    throw new UsageError(`--start ${start!.text} is after --end ${end!.text}`);
  }
  return { startNs, endNs };
}

function parseSpeed(text: string): number {
  if (text === "max") return Infinity;
  const speed = parseNumber(text);
  if (speed > 0 && speed < Infinity) return speed;
  throw new InvalidArgumentError("Wanted a number above 0, or max.");
}

function parseMaxGap(text: string): number {
  const seconds = parseNumber(text);
  if (seconds >= 0 && seconds < Infinity) return seconds;
  throw new InvalidArgumentError("Wanted a number of seconds.");
}

/** A decimal number; NaN where the text is something else. */
function parseNumber(text: string): number {
  return /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
}
