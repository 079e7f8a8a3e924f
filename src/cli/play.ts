/**
 * `smalti play NAME`: the messages of a sequence, in time order.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { exportLines } from "../export/lines.ts";
import type { Message } from "../read/merge/message.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceStreamer } from "../read/sequence_streamer.ts";
import { nameArgument, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { type Format, FORMATS, lineOf } from "./message_lines.ts";
import { withSequence } from "./open.ts";
import { Pace } from "./pace.ts";
import { endOption, resolveWindow, startOption, TIMES_HELP, type WindowOptions } from "./time_argument.ts";

interface Options extends WindowOptions {
  topics?: string[];
  /** How many times as fast as it was recorded; Infinity for `max`. */
  speed: number;
  /** The longest wait between two messages, in seconds. */
  maxGap: number;
  format: Format;
  /** Whether to print bytes, and not only how many they are. */
  bytes: boolean;
  /** Go on with what is still being recorded. */
  follow?: boolean;
  /** How many messages to print at most. */
  limit?: number;
  /** The last message first. */
  reverse?: boolean;
  /** How many of the last messages to print, in time order. */
  tail?: number;
  store: string;
}

/** Adds the command. */
export function addPlay(program: Command, context: Context): void {
  program.command("play")
    .description("Prints the messages of a sequence in time order.")
    .addArgument(nameArgument())
    .addOption(topicsOption())
    .addOption(startOption())
    .addOption(endOption())
    .addOption(
      new Option("--speed <X>", "times as fast as it was recorded, or max")
        .argParser(parseSpeed).default(Infinity, "max"),
    )
    .addOption(
      new Option("--max-gap <S>", "longest wait between two messages, in seconds (default: none)")
        .argParser(parseMaxGap).default(Infinity, "none").conflicts("follow"),
    )
    .addOption(
      new Option("--format <FORMAT>", "how to print them").choices(FORMATS).default("text"),
    )
    .addOption(
      new Option(
        "--no-bytes",
        "print how many bytes a value has, not the bytes (text: more than 64 never are)",
      ),
    )
    .addOption(
      new Option("--follow", "go on with what is still being recorded, until it is finalized")
        .conflicts("speed"),
    )
    .addOption(new Option("--limit <N>", "print so many messages at most").argParser(parseCount))
    .addOption(new Option("--reverse", "print the last message first").conflicts(["speed", "follow"]))
    .addOption(
      new Option("--tail <N>", "print the last so many messages, in time order").argParser(parseCount)
        .conflicts(["limit", "reverse", "speed", "follow"]),
    )
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP)
    .action(async (name: string, options: Options) => {
      await withSequence(options.store, name, (handler) => play(context, handler, options), {
        follow: options.follow,
      });
    });
}

async function play({ out, signal }: Context, handler: SequenceHandler, options: Options): Promise<void> {
  const { topics, speed, format, bytes, follow, tail, limit = tail, reverse = tail !== undefined } = options;
  const line = lineOf(format, bytes);
  const chosen = { topics, ...resolveWindow(options, handler), signal, follow };
  const part = { ...chosen, reverse, ...(limit !== undefined && { limit }) };
  if (speed !== Infinity) {
    return await playPaced({ out, signal }, handler.getDataStreamer(part), options, line);
  }
  if (tail !== undefined) return await playTail(out, handler.getDataStreamer(part), line);
  if (!reverse && limit === undefined) {
    await exportLines(handler, out.toWritableStream(), chosen, line);
    return;
  }
  for await (const block of handler.getDataStreamer(part).batches()) {
    for (const [, message] of block) await out.write(line(message));
    // The next block may be long in coming.
    if (follow) await out.flush();
  }
}

/** Prints messages that come backwards in time order. Their lines are held until then. */
async function playTail(
  out: Context["out"],
  stream: SequenceStreamer,
  line: (message: Message) => string,
): Promise<void> {
  const lines: string[] = [];
  for await (const block of stream.batches()) for (const [, message] of block) lines.push(line(message));
  for (let i = lines.length - 1; i >= 0; i--) await out.write(lines[i]);
}

async function playPaced(
  { out, signal }: Pick<Context, "out" | "signal">,
  stream: SequenceStreamer,
  { speed, maxGap }: Options,
  line: (message: Message) => string,
): Promise<void> {
  const pace = new Pace(speed, maxGap * 1000, signal);
  for await (const [, message] of stream) {
    const { timestampNs } = message;
    if (pace.until(timestampNs) > 0) {
      // Nobody should wait for what was due before.
      await out.flush();
      await pace.wait(timestampNs);
    }
    await out.write(line(message));
  }
}

function parseSpeed(text: string): number {
  if (text === "max") return Infinity;
  const speed = parseNumber(text);
  if (speed > 0 && speed < Infinity) return speed;
  throw new InvalidArgumentError("Wanted a number above 0, or max.");
}

function parseCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("Wanted a whole number.");
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
