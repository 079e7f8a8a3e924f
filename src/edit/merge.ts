import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { topicName } from "../names.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { timeWindow } from "../read/time_window.ts";
import type { SequenceInfo } from "../types.ts";
import { checkOptions } from "../util/options.ts";
import { totals } from "../util/totals.ts";
import { EDIT_OPTIONS, type EditOptions } from "./edit_options.ts";
import { writeSequence } from "./write_sequence.ts";

/**
 * Makes one new sequence of several: their topics, attachments and facts. Rows of a topic that several of them have are in time
 * order, those of one time in the order of the sequences; where two have a key of metadata, the later sequence's value
 * stays. The client may be of another store.
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
  options: EditOptions = {},
): Promise<SequenceInfo> {
  const from = handlers.map((handler) => `"${handler.name}"`).join(", ");
  const tried = `Cannot make sequence "${name}" of ${from || "no sequences"}`;
  checkOptions(options, EDIT_OPTIONS, tried);
  if (handlers.length === 0) throw new SmaltiError("INVALID_ARGUMENT", `${tried}: wanted at least one`);
  const { topics, startNs, endNs, signal, onProgress } = options;
  const window = timeWindow(options, tried);
  const isWhole = startNs === undefined && endNs === undefined;
  const wanted = topics && new Set(topics.map((topic) => topicName(topic)));
  const all = handlers.flatMap((handler) => handler.topics.filter(({ name }) => wanted?.has(name) ?? true));
  const total = isWhole ? totals(all).rowCount : undefined;
  let count = 0;
  const taken = (rows: number) => onProgress?.(count += rows, total);
  return await writeSequence(client, name, { handlers, topics, window, signal, taken });
}
