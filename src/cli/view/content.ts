/**
 * Answers with bytes: whole, a range of them, or that they are still the same (RFC 9110).
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ShownFile } from "./shown_files.ts";

/** What a range asks for: the bytes from the first to before the end; `whole` where it is none that we know. */
type Range = { readonly first: number; readonly end: number } | "whole" | "none";

/** Sends a file, which is closed after it. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: ShownFile,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    const range = begin(request, response, file, headers);
    if (!range) return;
    for (let at = range.first; at < range.end;) {
      const bytes = await file.read(at, Math.min(file.pieceBytes, range.end - at));
      // Cut off since its size was told: the other side must not take it for whole.
      if (bytes.length === 0) return void response.destroy();
      at += bytes.length;
      if (!await written(response, bytes)) return;
    }
    response.end();
  } finally {
    await file.close();
  }
}

/** Sends bytes. */
export function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  const tag = `"${createHash("sha256").update(bytes).digest("base64url")}"`;
  const range = begin(request, response, { size: bytes.length, tag }, headers);
  if (range) response.end(bytes.subarray(range.first, range.end));
}

/** Sends a line of text and ends the answer. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  const all = {
    ...headers,
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": `${bytes.length}`,
  };
  response.writeHead(status, all);
  response.end(bytes);
}

/** Sends the head of an answer; undefined where nothing is to follow it. */
function begin(
  { method, headers: asked }: IncomingMessage,
  response: ServerResponse,
  { size, tag, modified }: Pick<ShownFile, "size" | "tag" | "modified">,
  headers: Readonly<Record<string, string>>,
): { first: number; end: number } | undefined {
  const told = {
    ...headers,
    ...(tag !== undefined && { ETag: tag }),
    ...(modified !== undefined && { "Last-Modified": modified }),
    "Accept-Ranges": "bytes",
  };
  const wanted = asked["if-match"];
  if (wanted !== undefined && !tagsIn(wanted).some((one) => one === "*" || (one === tag && !isWeak(one)))) {
    sendText(response, 412, "The file is another by now", told);
    return undefined;
  }
  if (tag !== undefined && isKnown(asked["if-none-match"], tag)) {
    response.writeHead(304, told);
    response.end();
    return undefined;
  }
  const condition = asked["if-range"];
  const isStill = condition === undefined || (condition === tag && !isWeak(condition));
  const range = isStill ? rangeOf(asked.range, size) : "whole";
  if (range === "none") {
    response.writeHead(416, { ...told, "Content-Range": `bytes */${size}`, "Content-Length": "0" });
    response.end();
    return undefined;
  }
  const { first, end } = range === "whole" ? { first: 0, end: size } : range;
  response.writeHead(range === "whole" ? 200 : 206, {
    ...told,
    "Content-Length": `${end - first}`,
    ...(range !== "whole" && { "Content-Range": `bytes ${first}-${end - 1}/${size}` }),
  });
  if (method !== "HEAD") return { first, end };
  response.end();
  return undefined;
}

/** Whether one of the tags that the other side has is this one; weak ones count as well. */
function isKnown(condition: string | undefined, tag: string): boolean {
  const plain = (tag: string) => tag.replace(/^W\//, "");
  return tagsIn(condition).some((one) => one === "*" || plain(one) === plain(tag));
}

function tagsIn(condition: string | undefined): string[] {
  return condition?.split(",").map((one) => one.trim()) ?? [];
}

function isWeak(tag: string): boolean {
  return tag.startsWith("W/");
}

/** One range; all of the file where several are asked for, or something that is no range. */
function rangeOf(text: string | undefined, size: number): Range {
  const [, from, to] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(text ?? "") ?? [];
  if (from === undefined || (from === "" && to === "")) return "whole";
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "none" : { first: size - length, end: size };
  }
  const first = Number(from);
  const last = to === "" ? Infinity : Number(to);
  if (last < first) return "whole";
  return first >= size ? "none" : { first, end: Math.min(last + 1, size) };
}

/** Whether bytes went on their way, once there is room for more; false where the other side has gone. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed || response.closed) return Promise.resolve(false);
  if (response.write(bytes)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = () => {
      response.off("drain", end).off("close", end).off("error", end);
      resolve(!response.destroyed && !response.closed);
    };
    response.on("drain", end).on("close", end).on("error", end);
  });
}
