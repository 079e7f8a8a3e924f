import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { timeWindow } from "../read/time_window.ts";
import type { SequenceInfo } from "../types.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { openTopics } from "./chosen_topics.ts";
import { EDIT_OPTIONS, type EditOptions } from "./edit_options.ts";
import { writeSequence } from "./write_sequence.ts";

/** Options of {@linkcode mergeSequences}. `topics` are named as the sequences have them. */
export interface MergeOptions extends EditOptions {
  /**
   * What each sequence's topics are put under, so that those of one name stay apart: `["left", "right"]` makes `left/gps` and
   * `right/gps`. An empty one leaves the names as they are. @default none
   */
  prefixes?: readonly string[];
}

const MERGE_OPTIONS: OptionNames<MergeOptions> = { ...EDIT_OPTIONS, prefixes: true };

/**
 * Makes one new sequence of several: their topics, attachments and facts. Rows of a topic that several of them have are in time
 * order, those of one time in the order of the sequences; where two have a key of metadata, the later sequence's value
 * stays. With `prefixes` topics of one name stay beside each other. The client may be of another store.
 *
 * ALREADY_EXISTS where the new sequence is there; INVALID_ARGUMENT where a topic differs in ontology or columns between
 * sequences, which names the first field that does; NOT_FOUND where none has a topic; LOCKED where one was being recorded when
 * it was opened; CORRUPT. Where it fails, nothing is left under the new name.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { mergeSequences } from "smalti/edit";
 *
 * await using client = await connect("./recordings");
 * const days = await Promise.all(["monday", "tuesday"].map((name) => client.sequenceHandler(name)));
 * await mergeSequences(days, client, "week");
 * ```
 */
export async function mergeSequences(
  handlers: readonly SequenceHandler[],
  client: Client,
  name: string,
  options: MergeOptions = {},
): Promise<SequenceInfo> {
  const from = handlers.map((handler) => `"${handler.name}"`).join(", ");
  const tried = `Cannot make sequence "${name}" of ${from || "no sequences"}`;
  checkOptions(options, MERGE_OPTIONS, tried);
  if (handlers.length === 0) throw new SmaltiError("INVALID_ARGUMENT", `${tried}: wanted at least one`);
  const { startNs, endNs, prefixes, signal, onProgress } = options;
  if (prefixes && prefixes.length !== handlers.length) {
    const text = `${tried}: there are ${prefixes.length} prefixes, wanted ${handlers.length}, one for each`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const window = timeWindow(options, tried);
  const topics = await openTopics(handlers, options.topics, prefixes);
  const isWhole = startNs === undefined && endNs === undefined;
  const total = isWhole ? topics.reduce((sum, { rowCount }) => sum + rowCount, 0) : undefined;
  let count = 0;
  const taken = (rows: number) => onProgress?.(count += rows, total);
  return await writeSequence(client, name, { handlers, topics, window, signal, taken });
}
