/**
 * Files that were dropped on the page -> a recording in the worker's memory. Nothing is sent anywhere.
 *
 * @module
 */
import { type Client, type Connect, SmaltiError } from "../../entry/web.ts";
import { Refusal } from "./data_error.ts";
import type { ImportRequest, Progress } from "./protocol.ts";
import { Recording } from "./recording.ts";

const DEFAULT_MAX_BYTES = 512 * 2 ** 20;
const HEAD_BYTES = 16;

type Format = "MCAP" | "bag" | "ULog";

/** Imports files of one format, told by how they begin. UNSUPPORTED for others, TOO_LARGE beyond the bound. */
export async function importFiles(
  connect: Connect,
  { files, maxBytes = DEFAULT_MAX_BYTES }: ImportRequest,
  tell: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Recording> {
  if (files.length === 0) throw new SmaltiError("INVALID_ARGUMENT", "Cannot import: there is no file");
  const names = files.map(({ name }) => name);
  const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
  if (bytes > maxBytes) {
    const text = `The files have ${bytes} bytes, and this page imports ${maxBytes} at most`;
    throw new Refusal(text, `smalti import ${names.map(quoted).join(" ")}`);
  }
  const formats = await Promise.all(files.map(({ name, blob }) => formatOf(name, blob)));
  const [format] = formats;
  const stray = formats.findIndex((other) => other !== format);
  if (stray >= 0) {
    const text = `Cannot import ${quoted(names[0])} and ${
      quoted(names[stray])
    } into one recording: they are ${format} and ${formats[stray]}`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const client = await connect("memory:");
  try {
    const name = nameOf(names[0]);
    await importAll(client, format, files, name, tell, signal);
    return await Recording.open(client, { url: "memory:", name, follow: false });
  } catch (reason) {
    await client.close();
    throw reason;
  }
}

async function importAll(
  client: Client,
  format: Format,
  files: ImportRequest["files"],
  name: string,
  tell: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { importBag, importMcap, importUlog } = await import("../../import/mod.ts");
  const write = { MCAP: importMcap, bag: importBag, ULog: importUlog }[format];
  await write(client, files.map(({ blob }) => blob), {
    name,
    signal,
    // What is whole of a file that ends too early is worth a look.
    salvage: true,
    onProgress: (read, total) => tell({ done: read, ...(total !== undefined && { total }) }),
  });
}

async function formatOf(name: string, blob: Blob): Promise<Format> {
  const head = new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer());
  const text = String.fromCharCode(...head);
  if (text.startsWith("\x89MCAP0\r\n")) return "MCAP";
  if (text.startsWith("#ROSBAG V2.0")) return "bag";
  if (text.startsWith("ULog\x01\x12\x35")) return "ULog";
  throw new SmaltiError("UNSUPPORTED", `${quoted(name)} is no MCAP, ROS bag or ULog file`);
}

/** A sequence's name of a file's. */
function nameOf(file: string): string {
  const bare = file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
  return bare.replace(/[^A-Za-z0-9_-]/gu, "_").replace(/^[^A-Za-z0-9]+/, "").slice(0, 200) || "recording";
}

function quoted(name: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
