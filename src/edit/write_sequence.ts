/**
 * Rows, facts and attachments of sequences -> a new sequence: what all edits share.
 *
 * @module
 */
import type { Client } from "../client.ts";
import { blockColumns } from "../read/merge/block_columns.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { AttachmentInfo, SequenceInfo, Window } from "../types.ts";
import { joinedMetadata } from "./joined_metadata.ts";
import type { SharedTopic } from "./shared_topic.ts";

/** What a new sequence is made of. */
export interface SequenceParts {
  /** The sequences, in the order that ties and facts go by. */
  readonly handlers: readonly SequenceHandler[];
  readonly topics: readonly SharedTopic[];
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
    for (const topic of topics) {
      const { ontologyTag: tag, serializationFormat: format, metadata, fields: [, ...fields] } = topic.schema;
      const writer = await sequence.topicCreate(topic.name, { ontology: { tag, format, fields }, metadata });
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
