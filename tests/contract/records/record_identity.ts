/**
 * What shows that engines decode records alike: random schemas, valid records of them, and the same damaged. Columns must be
 * the same byte for byte, well-formed, and of no more bytes than records may become.
 *
 * @module
 */
import type { Engine } from "../../../src/engine.ts";
import {
  FREE_BYTES,
  isFitting,
  MAX_GROWTH,
  type RecordColumns,
  type RecordEncoding,
  STATUS,
} from "../../../src/record_plan.ts";
import { nullBytes } from "../../../src/import/records/plan_columns.ts";
import type { FieldSchema } from "../../../src/schema.ts";
import { ByteSink } from "../../support/byte_sink.ts";
import { sameBytes } from "../../support/bytes.ts";
import { type CaseRange, failedCase, Random } from "../../support/random_cases.ts";
import { anyBytes, type RecordSource } from "./record_sources.ts";
import { flatbufferSource } from "./flatbuffer_source.ts";
import { protobufSource } from "./protobuf_source.ts";
import { rosSource } from "./ros_source.ts";

const SOURCES: Readonly<
  Record<RecordEncoding, (random: Random) => RecordSource>
> = {
  cdr: (random) => rosSource(random, "cdr"),
  packed: (random) => rosSource(random, "packed"),
  packedPrefix: (random) => rosSource(random, "packedPrefix"),
  protobuf: protobufSource,
  flatbuffer: flatbufferSource,
};
const ENCODINGS = Object.keys(SOURCES) as RecordEncoding[];

/** Of how many records each status was given, by encoding. */
export type StatusCounts = Map<string, number>;

/** Runs cases; rejects at the first difference, with how to see it again. */
export function checkRecordIdentity(
  engines: readonly Engine[],
  { cases, seed }: CaseRange,
  onCase: (done: number) => void = () => {},
): StatusCounts {
  const counts: StatusCounts = new Map();
  for (let i = 0; i < cases; i++) {
    try {
      checkRecords(engines, seed + i, counts);
    } catch (reason) {
      throw failedCase(seed + i, "tests/engine/records.test.ts", reason);
    }
    onCase(i + 1);
  }
  return counts;
}

/** Records that lie in one chunk, with other bytes between them. */
interface Batch {
  chunk: Uint8Array;
  spans: Int32Array;
}

/** Runs one case on every engine; throws where one differs from the others or gives what is no Arrow. */
export function checkRecords(
  engines: readonly Engine[],
  seed: number,
  counts: StatusCounts,
): void {
  const random = new Random(seed);
  const source = SOURCES[random.pick(ENCODINGS)](random);
  const damage = random.pick([0, 0, 2, 10]);
  const takes = Array.from(
    { length: 1 + random.below(2) },
    () =>
      Array.from(
        { length: 1 + random.below(3) },
        () => anyBatch(random, source, damage),
      ),
  );
  const [first, ...others] = engines.map((engine) => decodeAll(engine, source, takes));
  takes.forEach((batches, take) => {
    checkColumns(source.fields, first[take].columns);
    checkSize(source, batches, first[take]);
    for (const status of first[take].statuses) {
      if (damage === 0 && status > STATUS.extra && !isFitting(status) && !isMerge(source, status)) {
        throw new Error(
          `status ${status} of a valid record\n${textOf(source)}`,
        );
      }
      const key = `${source.plan.encoding} ${status}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    others.forEach((other, i) => {
      const difference = differenceOf(first[take], other[take]);
      if (difference) {
        throw new Error(
          `${engines[0].name} and ${engines[i + 1].name}: ${difference}\n${textOf(source)}`,
        );
      }
    });
  });
}

/** Parts of one message are valid, but not merged. */
function isMerge({ plan }: RecordSource, status: number): boolean {
  return plan.encoding === "protobuf" && status === STATUS.encoding;
}

interface Decoded {
  statuses: Uint8Array;
  columns: RecordColumns;
}

function decodeAll(
  engine: Engine,
  { plan }: RecordSource,
  takes: readonly Batch[][],
): Decoded[] {
  const decoder = engine.createRecordDecoder(plan);
  const decoded = takes.map((batches) => {
    const statuses = batches.map(({ chunk, spans }) => {
      const given = new Uint8Array(spans.length / 2);
      engine.decodeRecords(chunk, [{ decoder, spans, statuses: given }]);
      return given;
    });
    const { rows } = decoder;
    const columns = decoder.take();
    if (rows !== columns.rows || decoder.rows !== 0) {
      throw new Error(`${engine.name}: wrong count of rows`);
    }
    return { statuses: joined(statuses), columns };
  });
  decoder.close();
  return decoded;
}

function anyBatch(random: Random, source: RecordSource, damage: number): Batch {
  const sink = new ByteSink();
  const spans: number[] = [];
  let last: Uint8Array = new Uint8Array(0);
  for (let left = random.below(12); left > 0; left--) {
    const valid = source.record();
    const record = random.below(10) < damage ? damaged(random, valid, last) : valid;
    last = valid;
    sink.bytes(anyBytes(random, random.below(4)));
    spans.push(sink.length, sink.length + record.length);
    sink.bytes(record);
  }
  sink.bytes(anyBytes(random, random.below(20)));
  return { chunk: sink.take(), spans: Int32Array.from(spans) };
}

/** A record with one to three flaws. */
export function damaged(
  random: Random,
  record: Uint8Array,
  other: Uint8Array,
): Uint8Array {
  let bytes = [...record];
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(8)) {
      case 0:
      case 1:
        if (at < bytes.length) bytes[at] ^= 1 << random.below(8);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes.push(...anyBytes(random, 1 + random.below(12)));
        break;
      case 4: // spliced
        bytes = [
          ...bytes.slice(0, at),
          ...other.slice(random.below(other.length + 1)),
        ];
        break;
      case 5: { // a count or an offset
        const value = random.pick([
          0xffffffff,
          0x7fffffff,
          0x80000000,
          0xfffffff0,
          0x10000,
          200,
          16,
          4,
          0,
        ]);
        const place = at & ~3;
        for (let i = 0; i < 4 && place + i < bytes.length; i++) {
          bytes[place + i] = (value >>> (8 * i)) & 255;
        }
        break;
      }
      case 6:
        bytes.splice(at, random.below(5), ...anyBytes(random, random.below(5)));
        break;
      default: // an encapsulation header, or the first offset
        if (bytes.length > 1) bytes[1] = random.below(12);
        if (random.oneIn(4)) bytes[0] = random.below(256);
    }
  }
  return Uint8Array.from(bytes);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function differenceOf(a: Decoded, b: Decoded): string | undefined {
  if (!sameBytes(a.statuses, b.statuses)) {
    return `statuses ${a.statuses} and ${b.statuses}`;
  }
  if (a.columns.rows !== b.columns.rows) {
    return `${a.columns.rows} and ${b.columns.rows} rows`;
  }
  if (a.columns.nodes.join() !== b.columns.nodes.join()) {
    return `nodes ${a.columns.nodes} and ${b.columns.nodes}`;
  }
  if (a.columns.buffers.length !== b.columns.buffers.length) {
    return "another number of buffers";
  }
  const at = a.columns.buffers.findIndex((buffer, i) => !sameBytes(buffer, b.columns.buffers[i]));
  return at < 0 ? undefined : `buffer ${at}: ${a.columns.buffers[at]} and ${b.columns.buffers[at]}`;
}

/**
 * Throws where the columns have more bytes than their records may become, each in every row at least those of a null; columns of
 * no rows have as many, since offsets are one more than rows.
 */
function checkSize(
  { fields }: RecordSource,
  batches: readonly Batch[],
  { columns }: Decoded,
): void {
  const most = batches.reduce((sum, { spans }) => {
    for (let i = 0; i < spans.length; i += 2) {
      sum += FREE_BYTES + MAX_GROWTH * (spans[i + 1] - spans[i]) +
        nullBytes(fields);
    }
    return sum;
  }, 1024 + nullBytes(fields));
  const bytes = columns.buffers.reduce((sum, { length }) => sum + length, 0);
  if (bytes > most) {
    throw new Error(`${bytes} bytes of columns, where ${most} are allowed`);
  }
}

/** Throws where columns are not what the Arrow columnar format says of fields. */
export function checkColumns(
  fields: readonly FieldSchema[],
  { rows, nodes, buffers }: RecordColumns,
): void {
  let node = 0;
  let buffer = 0;
  const fail = (what: string, field: FieldSchema): never => {
    throw new Error(`${what} of column ${field.name}`);
  };
  const visit = (field: FieldSchema, length: number): void => {
    const { type, children } = field;
    const [count, nulls] = nodes.slice(node, node += 2);
    if (count !== length) fail(`length ${count} and not ${length}`, field);
    const validity = buffers[buffer++];
    if (nulls > 0 || validity.length > 0) {
      if (validity.length !== Math.ceil(length / 8)) {
        fail(`bitmap of ${validity.length} bytes`, field);
      }
      let zeros = 0;
      for (let i = 0; i < length; i++) {
        if ((validity[i >> 3] & (1 << (i & 7))) === 0) zeros++;
      }
      if (zeros !== nulls) {
        fail(`${nulls} nulls where the bitmap has ${zeros}`, field);
      }
      if (length % 8 !== 0 && validity[length >> 3] >> (length & 7) !== 0) {
        fail("bits after the last", field);
      }
    }
    const offsets = () => {
      const bytes = buffers[buffer++];
      if (bytes.length !== 4 * (length + 1)) {
        fail(`${bytes.length} bytes of offsets`, field);
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      if (view.getInt32(0, true) !== 0) fail("first offset", field);
      for (let i = 0; i < length; i++) {
        if (view.getInt32(4 * i, true) > view.getInt32(4 * i + 4, true)) {
          fail("falling offsets", field);
        }
      }
      return view.getInt32(4 * length, true);
    };
    switch (type.kind) {
      case "bool": {
        const data = buffers[buffer++];
        if (data.length !== Math.ceil(length / 8)) {
          fail(`${data.length} bytes`, field);
        }
        if (length % 8 !== 0 && data[length >> 3] >> (length & 7) !== 0) {
          fail("bits after the last", field);
        }
        break;
      }
      case "int":
      case "float":
        if (buffers[buffer++].length !== length * type.bits / 8) {
          fail("bytes", field);
        }
        break;
      case "utf8":
      case "binary": {
        const end = offsets();
        const data = buffers[buffer++];
        if (data.length !== end) {
          fail(`${data.length} bytes and not ${end}`, field);
        }
        if (type.kind === "utf8") {
          new TextDecoder("utf-8", { fatal: true }).decode(data);
        }
        break;
      }
      case "list":
        visit(children[0], offsets());
        break;
      case "fixedList":
        visit(children[0], length * type.size);
        break;
      default:
        for (const child of children) visit(child, length);
    }
  };
  for (const field of fields) visit(field, rows);
  if (node !== nodes.length || buffer !== buffers.length) {
    throw new Error("nodes or buffers that no field has");
  }
}

function textOf({ schema, plan }: RecordSource): string {
  const plain = (_key: string, value: unknown) => typeof value === "bigint" ? `${value}n` : value;
  return `${plan.encoding} ${JSON.stringify(schema, plain)}`.slice(0, 4000);
}
