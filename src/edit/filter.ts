import type { Client } from "../client.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceInfo } from "../types.ts";
import type { EditOptions } from "./edit_options.ts";
import { mergeSequences } from "./merge.ts";

/**
 * Makes a new sequence of some topics or some time of another: what `getDataStreamer` gives with the same options. The
 * sequence's facts and all its attachments are kept, and what is known of each topic. The client may be of another store.
 *
 * ALREADY_EXISTS where the new sequence is there; NOT_FOUND where a topic is not; LOCKED where the sequence was being recorded
 * when it was opened; CORRUPT. Where it fails, nothing is left under the new name.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { filterSequence } from "smalti/edit";
 *
 * await using client = await connect("./recordings");
 * const drive = await client.sequenceHandler("drive");
 * await filterSequence(drive, client, "turn", { topics: ["imu"], startNs: 10n, endNs: 20n });
 * ```
 */
export async function filterSequence(
  handler: SequenceHandler,
  client: Client,
  name: string,
  options: EditOptions = {},
): Promise<SequenceInfo> {
  return await mergeSequences([handler], client, name, options);
}
