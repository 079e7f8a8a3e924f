/**
 * A window as files.
 *
 * @module
 */
import { SmaltiError } from "../../entry/web.ts";
import { checkWindow, Refusal } from "./data_error.ts";
import type { ExportAnswer, ExportRequest, Progress } from "./protocol.ts";
import type { Recording } from "./recording.ts";

const DEFAULT_MAX_BYTES = 256 * 2 ** 20;

/** A file a topic, by the library's exporters. What is damaged is left out. TOO_LARGE beyond the bound, with the command that does it. */
export async function answerExport(
  recording: Recording,
  request: ExportRequest,
  tell: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<ExportAnswer> {
  const { format, topics, maxBytes = DEFAULT_MAX_BYTES } = request;
  const { fromNs, toNs } = checkWindow(request);
  if (format !== "csv" && format !== "arrow") {
    throw new SmaltiError("INVALID_ARGUMENT", `Cannot export to ${String(format)}, wanted csv or arrow`);
  }
  if (topics.length === 0) {
    throw new SmaltiError("INVALID_ARGUMENT", "Cannot export: there is no topic, wanted one or more");
  }
  for (const topic of topics) recording.summary(topic);
  const { exportArrow, exportCsv } = await import("../../export/mod.ts");
  const write = format === "csv" ? exportCsv : exportArrow;
  const sizes = { bytes: 0, messages: 0 };
  const files: { name: string; blob: Blob }[] = [];
  for (const topic of new Set(topics)) {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const sink = new WritableStream<Uint8Array>({
      write: (bytes) => {
        sizes.bytes += bytes.length;
        if (sizes.bytes > maxBytes) throw tooLarge(recording, request, maxBytes);
        parts.push(bytes as Uint8Array<ArrayBuffer>);
      },
    });
    const before = sizes.messages;
    const report = await write(recording.handler, sink, {
      topics: [topic],
      startNs: fromNs,
      endNs: toNs,
      salvage: true,
      signal,
      onProgress: (messages) => tell({ done: before + messages }),
    });
    sizes.messages += report.messageCount;
    const type = format === "csv" ? "text/csv" : "application/vnd.apache.arrow.file";
    files.push({ name: `${topic}.${format}`, blob: new Blob(parts, { type }) });
  }
  return { files, messages: sizes.messages };
}

function tooLarge(
  recording: Recording,
  { format, topics, fromNs, toNs }: ExportRequest,
  maxBytes: number,
): Refusal {
  const { name } = recording.info;
  const command = `smalti export ${name} --to ${format} --topics ${
    topics.join(",")
  } --start ${fromNs} --end ${toNs} -o ${name}`;
  return new Refusal(
    `The files have more than ${maxBytes} bytes, which is more than this page makes`,
    command,
  );
}
