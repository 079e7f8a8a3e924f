/**
 * Exports to MCAP, and what @mcap/core reads of them.
 *
 * @module
 */
import { McapIndexedReader } from "@mcap/core";
import { expect } from "vitest";
import type { Client } from "../../src/client.ts";
import type { Engine } from "../../src/engine.ts";
import { exportMcap, type ExportMcapOptions } from "../../src/export/mcap/export_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { IMPORTERS } from "../import/importers.ts";
import { decompressHandlers } from "./source_messages.ts";

const FILES = new URL("../fixtures/formats/", import.meta.url);

/** Where a file of tests/fixtures/formats is. */
export const path = (name: string): string => decodeURIComponent(new URL(name, FILES).pathname);

/** A sequence as a file. */
export async function exported(
  handler: SequenceHandler,
  options?: ExportMcapOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (part) => void parts.push(part) });
  const report = await exportMcap(handler, sink, options);
  const file = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  expect(report.byteCount).toBe(file.length);
  return file;
}

/** A file of tests/fixtures/formats as sequence "s". */
export async function imported(
  client: Client,
  name: string,
  options: { envelope?: boolean } = {},
): Promise<SequenceHandler> {
  const extension = name.slice(name.lastIndexOf(".") + 1) as keyof typeof IMPORTERS;
  await IMPORTERS[extension](client, await openFile(path(name)), { ...options, name: "s" });
  return await client.sequenceHandler("s");
}

/** What reads a file by its index. */
export function readerOf(file: Uint8Array, engine: Engine): Promise<McapIndexedReader> {
  const readable = {
    size: () => Promise.resolve(BigInt(file.length)),
    read: (offset: bigint, size: bigint) =>
      Promise.resolve(file.slice(Number(offset), Number(offset) + Number(size))),
  };
  return McapIndexedReader.Initialize({ readable, decompressHandlers: decompressHandlers(engine) });
}

/** All of what comes. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** UTF-8 as text. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
