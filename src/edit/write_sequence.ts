/**
 * Rows, facts and attachments of sequences -> a new sequence: what all edits share.
 *
 * @module
 */
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { compareNames, topicName } from "../names.ts";
import { blockColumns } from "../read/merge/block_columns.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { AttachmentInfo, SequenceInfo, Window } from "../types.ts";
import { didYouMean } from "../util/nearest.ts";
import { joinedMetadata } from "./joined_metadata.ts";
import { SharedTopic } from "./shared_topic.ts";

/** What a new sequence is made of. */
export interface SequenceParts {
  /** The sequences, in the order that ties and facts go by. */
  readonly handlers: readonly SequenceHandler[];
  /** Names of the topics. @default all */
  readonly topics: readonly string[] | undefined;
  readonly window: Window;
  /** Which attachments to keep. @default all */
  readonly keepsAttachment?: (attachment: AttachmentInfo) => boolean;
  readonly signal: AbortSignal | undefined;
  /** Told of rows that were taken. */
  readonly taken: (rows: number) => void;
}

/**
 * Writes a new sequence; where that fails, nothing is left under its name. Rows go from columns to columns, one topic after
 * the other, so what is held is bounded as that of one stream and one writer is.
 */
export async function writeSequence(
  client: Client,
  name: string,
  { handlers, topics, window, keepsAttachment = () => true, signal, taken }: SequenceParts,
): Promise<SequenceInfo> {
  signal?.throwIfAborted();
  handlers.forEach(checkWhole);
  const names = chosenTopics(handlers, topics);
  const sequence = await client.sequenceCreate(name, {
    metadata: joinedMetadata(handlers.map(({ metadata }) => metadata)),
    errorPolicy: "delete",
    // What is lost can be made again.
    autoFlush: false,
  });
  try {
    for (const handler of handlers) {
      for (const attachment of handler.attachments.filter(keepsAttachment)) {
        signal?.throwIfAborted();
        await sequence.attach(attachment, await handler.readAttachment(attachment));
      }
    }
    for (const topicName of names) {
      const topic = await SharedTopic.open(handlers, topicName);
      const { ontologyTag: tag, serializationFormat: format, metadata, fields: [, ...fields] } = topic.schema;
      const writer = await sequence.topicCreate(topicName, { ontology: { tag, format, fields }, metadata });
      for await (const block of topic.rowBlocks(window, signal)) {
        for (const { columns } of blockColumns(block)) await writer.pushPrepared(columns);
        taken(block.length);
        signal?.throwIfAborted();
      }
    }
    signal?.throwIfAborted();
    return await sequence.finalize();
  } catch (reason) {
    // What was thrown matters more than a failure to clean up.
    await sequence.abort(reason, "delete").catch(() => {});
    throw reason;
  }
}

function checkWhole({ name, state }: SequenceHandler): void {
  if (state !== "recording") return;
  const text = `Cannot copy from sequence "${name}": it was being recorded when it was opened`;
  throw new SmaltiError("LOCKED", text, { sequence: name });
}

/** Names of topics that at least one sequence has, once each and in order. NOT_FOUND. */
function chosenTopics(handlers: readonly SequenceHandler[], wanted: readonly string[] | undefined): string[] {
  const known = new Set(handlers.flatMap(({ topics }) => topics.map(({ name }) => name)));
  const chosen = new Set(wanted === undefined ? known : wanted.map((name) => topicName(name)));
  for (const topic of chosen) {
    if (known.has(topic)) continue;
    const places = handlers.map(({ name }) => `"${name}"`).join(", ");
    const text = `No topic "${topic}" in sequence ${places}${didYouMean(topic, [...known])}`;
    throw new SmaltiError("NOT_FOUND", text, { sequence: handlers[0].name, topic });
  }
  return [...chosen].sort(compareNames);
}
