/**
 * Files of recorders: bytes anywhere, and what is in their records and chunks, whose lengths and checksums are right then.
 *
 * @module
 */
import { lz4Compress } from "../../../src/engine/lz4_compress.ts";
import { createJsEngine } from "../../../src/engine/js.ts";
import { bunzip2 } from "../../../src/import/bag/bunzip2.ts";
import type { Random } from "../../support/random_cases.ts";
import { BAG_MAGIC, bagChunk, bagRecord } from "../bag_parts.ts";
import { concat, zstdStore } from "../mcap_file.ts";
import { chunk, MAGIC, record } from "../mcap_parts.ts";
import { check, type FuzzTarget } from "./check.ts";
import { mutate } from "./mutate.ts";
import { filesOf, pickFile } from "./samples.ts";

const TIMES = ["header.stamp", "stamp", "timestamp"];

const options = (random: Random) => ({
  options: {
    ...(random.oneIn(6) && { time: random.pick(TIMES) }),
    ...(random.oneIn(4) && { ontology: ["*"] }),
  },
});

/** A record of any of these formats: what is before its content, and that. */
interface Part {
  readonly kind: number;
  content: Uint8Array;
}

/** One to three parts damaged, moved, left out or there twice. */
function damagedParts(parts: readonly Part[], random: Random): Part[] {
  const list = parts.map((part) => ({ ...part }));
  const contents = parts.map(({ content }) => content).filter(({ length }) => length > 0);
  for (let i = random.pick([1, 1, 2, 3]); i > 0 && list.length > 0; i--) {
    const at = random.below(list.length);
    const part = list[at];
    switch (random.below(6)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(random.below(list.length), 0, ...list.slice(at, at + 1 + random.below(5)));
        break;
      case 2:
        list[at] = { ...part, kind: random.pick(parts).kind };
        break;
      default:
        if (part.content.length > 0) part.content = mutate(part.content, random, contents);
    }
  }
  return list;
}

/** The records of bytes of MCAP: an opcode, a length of 64 bits, the content. */
function mcapParts(bytes: Uint8Array): Part[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Part[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + Number(view.getBigUint64(at + 1, true));
    parts.push({ kind: bytes[at], content: bytes.slice(at + 9, end) });
    at = end;
  }
  return parts;
}

/** All records of a file, those of chunks among them. */
function flatMcap(bytes: Uint8Array): Part[] {
  const engine = createJsEngine();
  return mcapParts(bytes.subarray(MAGIC.length, bytes.length - MAGIC.length)).flatMap((part) => {
    if (part.kind !== 6) return [part];
    const { content } = part;
    const view = new DataView(content.buffer, content.byteOffset, content.length);
    const size = Number(view.getBigUint64(16, true));
    const nameBytes = view.getUint32(28, true);
    const codec = new TextDecoder().decode(content.subarray(32, 32 + nameBytes));
    const stored = content.subarray(40 + nameBytes);
    return mcapParts(codec === "" ? stored : engine.decompress(codec as "lz4" | "zstd", stored, size));
  });
}

/** Data, those that may stand in a chunk: schemas, channels and messages. */
const isChunked = ({ kind }: Part) => kind >= 3 && kind <= 5;

/** MCAP: bytes anywhere, or records, chunked anew. */
export async function mcapTarget(): Promise<FuzzTarget> {
  const { importMcap } = await import("../../../src/import/mcap/import_mcap.ts");
  const files = filesOf(".mcap");
  const samples = files.filter(({ length }) => length < 200_000).map(flatMcap)
    .map((parts) => parts.filter(({ kind }) => kind !== 7 && kind !== 8).slice(0, 200));
  const bytesOf = (parts: readonly Part[]) => concat(parts.map(({ kind, content }) => record(kind, content)));
  const rebuilt = (random: Random) => {
    const parts = damagedParts(random.pick(samples), random);
    if (random.oneIn(3)) return concat([MAGIC, bytesOf(parts), MAGIC]);
    const data = parts.filter(isChunked);
    const chunks: Uint8Array[] = [];
    while (data.length > 0) {
      const records = bytesOf(data.splice(0, 1 + random.below(60)));
      const codec = random.pick(["", "lz4", "zstd"]);
      const bytes = codec === "lz4"
        ? lz4Compress(records) ?? records
        : codec === "zstd"
        ? zstdStore(records)
        : records;
      const compression = bytes === records ? "" : codec;
      const damaged = random.oneIn(20) ? mutate(bytes, random, [bytes]) : bytes;
      chunks.push(chunk(records, {
        compression,
        bytes: damaged,
        ...(random.oneIn(20) && { crc: 0 }),
        ...(random.oneIn(40) && { size: random.pick([0, 1, 2 ** 31, 2 ** 29, records.length + 1]) }),
      }));
    }
    const first = parts.filter(({ kind }) => kind === 1).slice(0, 1);
    const others = parts.filter((part) => !isChunked(part) && part.kind !== 1);
    return concat([MAGIC, bytesOf(first), ...chunks, bytesOf(others), MAGIC]);
  };
  return async (random, keep) => {
    const bytes = random.oneIn(3) ? mutate(pickFile(files, random), random, files) : rebuilt(random);
    keep(bytes);
    return await check(importMcap, bytes, random, options(random));
  };
}

/** A record of a bag: its header's fields, and its data. */
interface BagPart {
  readonly header: Uint8Array;
  readonly data: Uint8Array;
}

function bagParts(bytes: Uint8Array): BagPart[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: BagPart[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const dataAt = at + 4 + view.getUint32(at, true);
    const end = dataAt + 4 + view.getUint32(dataAt, true);
    parts.push({ header: bytes.slice(at + 4, dataAt), data: bytes.slice(dataAt + 4, end) });
    at = end;
  }
  return parts;
}

/** What is in the chunks of a bag. */
function bagChunks(bytes: Uint8Array): Uint8Array[] {
  const engine = createJsEngine();
  return bagParts(bytes.subarray(BAG_MAGIC.length)).flatMap(({ header, data }) => {
    const text = new TextDecoder("latin1").decode(header);
    const codec = /compression=(none|lz4|bz2)/.exec(text)?.[1];
    if (codec === undefined) return [];
    const at = text.indexOf("size=") + 5;
    const size = new DataView(header.buffer, header.byteOffset + at, 4).getUint32(0, true);
    if (codec === "none") return [data];
    return [codec === "bz2" ? bunzip2(data, size) : engine.decompress("lz4", data, size)];
  });
}

/** Bags: bytes anywhere, or what is in their chunks. */
export async function bagTarget(): Promise<FuzzTarget> {
  const { importBag } = await import("../../../src/import/bag/import_bag.ts");
  const files = filesOf(".bag");
  const chunks = files.filter(({ length }) => length < 200_000).flatMap((bytes) =>
    bagChunks(bytes).slice(0, 4)
  )
    .map((bytes) => bytes.subarray(0, 60_000));
  const head = bagRecord(3, {
    index_pos: new Uint8Array(8),
    conn_count: new Uint8Array(4),
    chunk_count: new Uint8Array(4),
  }, new Uint8Array(32));
  const rebuilt = (random: Random) => {
    const some = Array.from({ length: 1 + random.below(3) }, () => {
      const whole = random.pick(chunks);
      const records = random.oneIn(4) ? whole : mutate(whole, random, chunks);
      const bytes = random.oneIn(3) ? lz4Compress(records) : undefined;
      if (!bytes) return bagChunk(records);
      const size = random.oneIn(20)
        ? random.pick([0, 1, 2 ** 31, 2 ** 29, records.length + 1])
        : records.length;
      return bagChunk(records, { compression: "lz4", bytes, size });
    });
    return concat([BAG_MAGIC, head, ...some]);
  };
  return async (random, keep) => {
    const bytes = random.oneIn(2) ? mutate(pickFile(files, random), random, files) : rebuilt(random);
    keep(bytes);
    return await check(importBag, bytes, random, options(random));
  };
}

/** Bytes of a ULog file before its messages. */
const ULOG_HEADER = 16;

/** The messages of a ULog file: a length of 16 bits, a letter, the content. */
function ulogParts(bytes: Uint8Array, most: number): Part[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Part[] = [];
  for (let at = ULOG_HEADER; at + 3 <= bytes.length && at < most;) {
    const end = at + 3 + view.getUint16(at, true);
    parts.push({ kind: bytes[at + 2], content: bytes.slice(at + 3, end) });
    at = end;
  }
  return parts;
}

function ulogFile(head: Uint8Array, parts: readonly Part[]): Uint8Array {
  return concat([
    head,
    ...parts.flatMap(({ kind, content }) => {
      const length = content.length & 0xffff;
      return [Uint8Array.of(length & 255, length >> 8, kind), content.subarray(0, length)];
    }),
  ]);
}

/** ULog: bytes anywhere, or messages. */
export async function ulogTarget(): Promise<FuzzTarget> {
  const { importUlog } = await import("../../../src/import/ulog/import_ulog.ts");
  const whole = filesOf(".ulg");
  // The beginning has the definitions, and is quick.
  const samples = whole.map((bytes) => ulogParts(bytes, 60_000));
  const files = samples.map((parts, i) => ulogFile(whole[i].subarray(0, ULOG_HEADER), parts));
  return async (random, keep) => {
    const at = random.below(files.length);
    const isWhole = random.oneIn(60);
    const bytes = isWhole
      ? mutate(whole[at], random, whole)
      : random.oneIn(2)
      ? mutate(files[at], random, files)
      : ulogFile(whole[at].subarray(0, ULOG_HEADER), damagedParts(samples[at], random));
    keep(bytes);
    return await check(importUlog, bytes, random, options(random));
  };
}
