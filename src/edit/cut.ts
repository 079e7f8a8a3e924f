import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { newSequenceName } from "../names.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { type AttachmentInfo, MAX_NS, MIN_NS, type SequenceInfo, type Window } from "../types.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { openTopics } from "./chosen_topics.ts";
import type { EditCourse } from "./edit_options.ts";
import { startsAt, startsByPeriod, startsBySize } from "./part_starts.ts";
import { writeSequence } from "./write_sequence.ts";

/** Options of {@linkcode cutSequence}: one of `at`, `everyNs` and `sizeBytes`. */
export interface CutOptions extends EditCourse {
  /** The times at which a part begins, in nanoseconds; the first part has what is before them. @default by period or size */
  at?: readonly bigint[];
  /** How long each part is, in nanoseconds, from the first message of all. @default by times or size */
  everyNs?: bigint;
  /**
   * About how many bytes of messages each part has, as they are stored: each message counts as much as the topic's others.
   * @default by times or period
   */
  sizeBytes?: number;
  /** What the parts are called before their number. @default the sequence's name */
  name?: string;
}

const CUT_OPTIONS: OptionNames<CutOptions> = {
  at: true,
  everyNs: true,
  sizeBytes: true,
  name: true,
  signal: true,
  onProgress: true,
};

/**
 * Cuts a sequence into new ones by time: NAME_000, NAME_001 and so on. Messages of one time stay together, a stretch without
 * messages makes no part. Each part has all topics, and the sequence's facts; an attachment is in the part that its time is
 * in, one before all parts or without a time in the first.
 *
 * ALREADY_EXISTS where a part is there; INVALID_ARGUMENT where there would be more than 10,000; LOCKED where the sequence was
 * being recorded when it was opened; CORRUPT. Where it fails, none of the parts is left.
 *
 * @returns The parts in order; at least one.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { cutSequence } from "smalti/edit";
 *
 * await using client = await connect("./recordings");
 * const parts = await cutSequence(await client.sequenceHandler("drive"), client, { everyNs: 60_000_000_000n });
 * console.log(parts.map(({ name }) => name)); // drive_000, drive_001, ...
 * ```
 */
export async function cutSequence(
  handler: SequenceHandler,
  client: Client,
  options: CutOptions,
): Promise<SequenceInfo[]> {
  const tried = `Cannot cut sequence "${handler.name}"`;
  checkOptions(options, CUT_OPTIONS, tried);
  const { at, everyNs, sizeBytes, signal, onProgress } = options;
  const name = newSequenceName(options.name ?? handler.name);
  if ([at, everyNs, sizeBytes].filter((way) => way !== undefined).length !== 1) {
    throw new SmaltiError("INVALID_ARGUMENT", `${tried}: wanted one of at, everyNs and sizeBytes`);
  }
  const topics = await openTopics([handler]);
  const starts = at !== undefined
    ? await startsAt(handler, at, tried, signal)
    : everyNs !== undefined
    ? await startsByPeriod(handler, everyNs, tried, signal)
    : await startsBySize(handler, sizeBytes!, tried, signal);
  const digits = Math.max(3, String(starts.length - 1).length);
  const names = starts.map((_, i) => newSequenceName(`${name}_${String(i).padStart(digits, "0")}`));
  await checkFree(names, client);
  const made: SequenceInfo[] = [];
  let count = 0;
  const taken = (rows: number) => onProgress?.(count += rows, handler.rowCount);
  try {
    for (const [i, part] of names.entries()) {
      const window = {
        firstNs: i === 0 ? MIN_NS : starts[i],
        lastNs: i + 1 < starts.length ? starts[i + 1] - 1n : MAX_NS,
      };
      const keepsAttachment = (attachment: AttachmentInfo) => isOf(attachment, window, i === 0);
      const parts = { handlers: [handler], topics, window, keepsAttachment, signal, taken };
      made.push(await writeSequence(client, part, parts));
    }
  } catch (reason) {
    // What was thrown matters more than a failure to clean up.
    for (const { name } of made) await client.sequenceDelete(name).catch(() => {});
    throw reason;
  }
  return made;
}

/** ALREADY_EXISTS where one of the names is taken: before anything is written, since the last part may be hours away. */
async function checkFree(names: readonly string[], client: Client): Promise<void> {
  const taken = new Set(await client.listSequences());
  const sequence = names.find((name) => taken.has(name));
  if (sequence === undefined) return;
  const text = `Cannot create sequence "${sequence}": it is there; wanted a new name for the parts`;
  throw new SmaltiError("ALREADY_EXISTS", text, { sequence });
}

function isOf({ timestampNs }: AttachmentInfo, { firstNs, lastNs }: Window, isFirst: boolean): boolean {
  return timestampNs === undefined ? isFirst : timestampNs >= firstNs && timestampNs <= lastNs;
}
