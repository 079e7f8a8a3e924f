import type { Message } from "../read/merge/message.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { type ExportOptions, exportRecording, type ExportReport } from "./recording_export.ts";
import { TextChunks } from "./text_chunks.ts";

/** Writes a line, its end included, for each message in strict time order. */
export async function exportLines(
  handler: SequenceHandler,
  sink: WritableStream<Uint8Array>,
  options: ExportOptions,
  line: (message: Message) => string,
): Promise<ExportReport> {
  return await exportRecording(handler, sink, options, async (recording) => {
    const out = new TextChunks((bytes) => recording.write(bytes.slice()));
    for await (const block of recording.blocks()) {
      for (const [, message] of block) {
        const full = out.write(line(message));
        if (full) await full;
      }
      // The next block may be long in coming.
      if (options.follow) await out.flush();
    }
    await out.flush();
  });
}
