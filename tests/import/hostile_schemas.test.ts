/**
 * Schemas as no tool writes them: opening a decoder for one ends soon, with a decoder that is bounded or keeps bytes.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import { openDecoder } from "../../src/import/decoders.ts";
import { readBfbs } from "../../src/import/flatbuffer/bfbs.ts";
import { McapReader } from "../../src/import/mcap/mcap_reader.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import type { MessageFormat } from "../../src/import/message_decoder.ts";
import { RawDecoder } from "../../src/import/raw_decoder.ts";
import { compileRos, type RosField } from "../../src/import/ros/ros_plan.ts";
import { isLong } from "../support/positions.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { damage, outcomeOf, sourceOf } from "./damage_search.ts";
import { concat, encode } from "./mcap_file.ts";
import { file, record, sized, u16, u32, u64 } from "./mcap_parts.ts";

const FILE = "tests/import/hostile_schemas.test.ts";
const engine = createJsEngine();
const options = { engine, reserved: [], integers: "bigint" } as const;
const open = (format: MessageFormat) => openDecoder(format, options);
const ros = (text: string, encoding = "ros2msg", name = "test/T") =>
  open({
    encoding: encoding === "ros1msg" ? "ros1" : "cdr",
    schema: { name, encoding, data: encode(text) },
  });

/** Why its messages stay bytes. */
const reasonOf = (decoder: unknown) => (decoder as RawDecoder).reason;

/** A .bfbs of many objects with one list of fields, which are one field. */
function sharedBfbs(objects: number, fields: number): Uint8Array {
  const bytes = new Uint8Array(256 + 4 * (objects + fields + 1));
  const view = new DataView(bytes.buffer);
  const i32 = (at: number, value: number) => view.setInt32(at, value, true);
  const u16 = (at: number, ...values: number[]) =>
    values.forEach((value, i) => view.setUint16(at + 2 * i, value, true));
  bytes.set(encode("BFBS"), 4);
  const [schema, object, field, list, members] = [
    32,
    64,
    96,
    256,
    256 + 4 * (objects + 1),
  ];
  i32(0, schema);
  u16(16, 6, 8, 4); // the schema's vtable: objects
  i32(schema, schema - 16);
  i32(schema + 4, list - schema - 4);
  u16(48, 8, 12, 0, 4); // an object's: fields
  i32(object, object - 48);
  i32(object + 4, members - object - 4);
  u16(80, 4, 4); // a field's: nothing
  i32(field, field - 80);
  i32(list, objects);
  for (let i = 0; i < objects; i++) {
    i32(list + 4 + 4 * i, object - list - 4 - 4 * i);
  }
  i32(members, fields - 1);
  for (let i = 0; i < fields - 1; i++) {
    i32(members + 4 + 4 * i, field - members - 4 - 4 * i);
  }
  return bytes;
}

describe("Schemas", () => {
  it("of FlatBuffers whose parts are shared are refused before they are a thousand times their size", async () => {
    expect(
      readBfbs(sharedBfbs(3, 3)).objects.map(({ fields }) => fields.length),
    ).toEqual([2, 2, 2]);
    const data = sharedBfbs(100_000, 100_000);
    expect(() => readBfbs(data)).toThrow("its parts lie over each other");
    const decoder = await open({
      encoding: "flatbuffer",
      schema: { name: "T", encoding: "flatbuffer", data },
    });
    expect(reasonOf(decoder)).toBe(
      "its schema cannot be read: its parts lie over each other",
    );
  });

  it("of ROS are refused where they are too long, too deep or too wide", async () => {
    expect(reasonOf(await ros(`int32 ${"x".repeat(2 ** 20)}`))).toContain(
      "has 1048582 characters and at most 1048576 are read",
    );
    expect(
      reasonOf(
        await ros(`struct T { double ${"x".repeat(2 ** 18)}; };`, "ros2idl"),
      ),
    ).toContain("at most 262144 are read");
    const idl = `${"module a {".repeat(1000)}struct T { double x; };${"};".repeat(1000)}`;
    expect((await ros(idl, "ros2idl")).fields.length).toBeGreaterThan(0);
    const wide = Array.from({ length: 60_000 }, (_, i) => `string f${i}`).join(
      "\n",
    );
    expect(reasonOf(await ros(wide))).toBe("it has too many fields");
    expect(reasonOf(await ros("T a", "ros2msg", "test/T"))).toBeDefined();
  });

  // Their parsers would take hours, or all memory.
  it("of ROS are refused where they have too much in one place", async () => {
    const idl = (text: string) => ros(`struct T { ${text} double x; };`, "ros2idl");
    expect(reasonOf(await idl(`double a${", a".repeat(50_000)};`))).toContain("too many words");
    expect(reasonOf(await idl(`@verbatim(text=${'"a" '.repeat(50_000)})`))).toContain("too many words");
    expect((await idl(`@verbatim(text=${'"a; {}" '.repeat(500)})`)).fields.map(({ name }) => name)).toEqual([
      "x",
      "_raw",
    ]);
    expect((await idl(`/* ${"a ".repeat(4000)} */`)).fields.map(({ name }) => name)).toEqual([
      "x",
      "_raw",
    ]);
    expect((await idl(`@verbatim(text="\\"; ${"a ".repeat(10_000)}")`)).fields.map(({ name }) => name))
      .toEqual(["x", "_raw"]);
    expect(reasonOf(await idl(`"${'\\"'.repeat(100_000)}`))).toBeDefined();
    expect(reasonOf(await ros(`string X=a${" ".repeat(1_000_000)}\\`))).toContain("its lines are too long");
    const types = Array.from({ length: 20_000 }, (_, i) => `==\nMSG: a/B${i}\nB${i} b`);
    expect(reasonOf(await ros(["int32 x", ...types].join("\n")))).toContain("20001 types in 60001 lines");
  });

  it("of ROS 2 may have fields that ROS 1 alone allows, with any number of letters before what is not allowed", async () => {
    const name = `${"a".repeat(60)}X`;
    const { fields } = await ros(`int32 ${name}\nint32 ${"b".repeat(60)}_`);
    expect(fields.map(({ name }) => name)).toEqual([name, `${"b".repeat(60)}_`, "_raw"]);
  });

  it("of ROS whose types fan out are compiled in bounded time", () => {
    const twice = (type: string): RosField[] => ["a", "b"].map((name) => ({ type, name, isComplex: true }));
    const levels = Array.from(
      { length: 50 },
      (_, i) => ({ name: `T${i}`, definitions: twice(`T${i + 1}`) }),
    );
    const leaf = { name: "T50", definitions: [{ type: "int32", name: "x" }] };
    const list = {
      definitions: [{
        type: "T0",
        name: "list",
        isArray: true,
        isComplex: true,
      }],
    };
    expect(() => compileRos([list, ...levels, leaf], "T", "cdr")).toThrow(
      "it has too many fields",
    );
  });

  it("of ROS that many topics share are parsed once", async () => {
    const schema = {
      name: "test/T",
      encoding: "ros2msg",
      data: encode(
        Array.from({ length: 9000 }, (_, i) => `int32 f${i}`).join("\n"),
      ),
    };
    const first = await open({ encoding: "cdr", schema });
    schema.data.fill(0);
    const second = await open({ encoding: "cdr", schema });
    expect(second.fields).toEqual(first.fields);
  });

  /** A FileDescriptorSet of one file, with one message of one field, and comments that are so long. */
  function descriptors(commentBytes = 0): Uint8Array {
    const [location, int32, optional] = [{ leadingComments: "x".repeat(commentBytes) }, 5, 1];
    const field = { name: "i", number: 1, type: int32, label: optional };
    const type = { name: "T", field: [field] };
    const set = {
      file: [{ name: "t.proto", messageType: [type], sourceCodeInfo: { location: [location] } }],
    };
    return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, set));
  }

  const protobuf = (data: Uint8Array) => ({ name: "T", encoding: "protobuf", data });

  it("of Protocol Buffers are refused where they are too large", async () => {
    const around = descriptors(2 ** 20).length - 2 ** 20;
    const largest = descriptors(2 * 2 ** 20 - around);
    expect(largest.length).toBe(2 * 2 ** 20);
    const read = await open({ encoding: "protobuf", schema: protobuf(largest) });
    expect(read.fields.map(({ name }) => name)).toEqual(["i", "_raw"]);
    const data = descriptors(2 * 2 ** 20 - around + 1);
    expect(reasonOf(await open({ encoding: "protobuf", schema: protobuf(data) })))
      .toBe("its descriptors have 2097153 bytes and at most 2097152 are read");
  });

  it("of Protocol Buffers are compiled once, whatever number of topics they have", async () => {
    const schema = protobuf(descriptors());
    const first = await open({ encoding: "protobuf", schema });
    schema.data.fill(0xff);
    expect((await open({ encoding: "protobuf", schema })).fields).toEqual(first.fields);
    const bad = protobuf(Uint8Array.of(0xff));
    const reason = reasonOf(await open({ encoding: "protobuf", schema: bad }));
    expect(reason).toContain("its descriptors cannot be read");
    expect(reasonOf(await open({ encoding: "protobuf", schema: bad }))).toBe(reason);
  });
});

describe("Topics", () => {
  const text = encode("int64 i");
  const schema = (id: number, name: string, data = text) =>
    record(3, u16(id), sized(name), sized("ros2msg"), sized(data));
  const channel = (id: number, topic: string, schemaId: number) =>
    record(4, u16(id), u16(schemaId), sized(topic), sized("cdr"), sized(""));
  const message = (id: number, time: number) =>
    record(
      5,
      u16(id),
      u32(0),
      u64(time),
      u64(time),
      concat([Uint8Array.of(0, 1, 0, 0), u64(time)]),
    );
  const run = (...bytes: Uint8Array[]) => outcomeOf(importMcap, sourceOf(bytes[0]), {});

  it("of two schemas, of names that differ in case, and of no name or type, are kept apart", async () => {
    const { report, lines } = await run(file(
      schema(1, "test/T"),
      schema(2, "test/T", encode("uint64 i")),
      schema(3, ""),
      ...["/a", "/a", "/A", "", "constructor", "__proto__"].map((topic, i) =>
        channel(i, topic, [1, 2, 1, 3, 1, 1][i])
      ),
      ...Array.from({ length: 6 }, (_, i) => message(i, i)),
    ));
    expect(
      report!.topics.map((
        { sourceName, messageCount },
      ) => [sourceName, messageCount]),
    )
      .toEqual(
        ["/a", "/a", "/A", "", "constructor", "__proto__"].map((
          name,
        ) => [name, 1]),
      );
    expect(new Set(report!.topics.map(({ name }) => name)).size).toBe(6);
    expect(lines.map((line) => String(JSON.parse(line).data.i))).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
    ]);
  });

  it("of one name in two files are one by their schema, or two", async () => {
    const one = file(schema(1, "test/T"), channel(1, "/a", 1), message(1, 1));
    const other = file(
      schema(1, "test/T", encode("uint64 i")),
      channel(1, "/a", 1),
      message(1, 2),
    );
    const both = async (second: Uint8Array) => {
      const several = (client: never, _: never, options: never) =>
        importMcap(client, [sourceOf(one), sourceOf(second)], options);
      return (await outcomeOf(several as never, sourceOf(one))).report!.topics
        .map(({ name, messageCount }) => [name, messageCount]);
    };
    expect(await both(one)).toEqual([["a", 2]]);
    expect(await both(other)).toEqual([["a", 1], ["a_2", 1]]);
  });

  // Takes ten seconds.
  it.skipIf(!isLong)(
    "have no more columns than can be held, in all",
    async () => {
      const wide = encode(
        Array.from({ length: 40_000 }, (_, i) => `int8 f${i}`).join("\n"),
      );
      const channels = Array.from(
        { length: 8 },
        (_, i) => channel(i, `/t${i}`, 1),
      );
      const { error } = await run(file(schema(1, "test/T", wide), ...channels));
      expect([error?.code, error?.rawMessage]).toEqual([
        "TOO_LARGE",
        expect.stringContaining("more than 250000 columns"),
      ]);
    },
  );

  it("whose messages come before their channel are a flaw, and looked up", async () => {
    const bytes = file(
      message(1, 1),
      schema(1, "test/T"),
      channel(1, "/a", 1),
      message(1, 2),
    );
    expect((await run(bytes)).error?.rawMessage).toContain(
      "on channel 1, which comes later or not at all",
    );
    const { lines } = await outcomeOf(importMcap, sourceOf(bytes), {
      salvage: true,
    });
    expect(lines.length).toBe(2);
  });
});

interface Sample {
  readonly format: MessageFormat;
  readonly messages: readonly Uint8Array[];
}

/** The schemas of a file, and some of their messages. */
function samplesOf(name: string): Sample[] {
  const bytes = new Uint8Array(
    readFileSync(
      fileURLToPath(new URL(`../fixtures/formats/${name}`, import.meta.url)),
    ),
  );
  const reader = new McapReader({
    engine,
    sizeBytes: bytes.length,
    maxRecordBytes: 2 ** 24,
    salvage: false,
    flaw: () => {},
  });
  const schemas = new Map<number, MessageFormat["schema"]>();
  const channels = new Map<
    number,
    { format: MessageFormat; messages: Uint8Array[] }
  >();
  for (const found of reader.read(bytes)) {
    if (found.type === "Schema") {
      schemas.set(found.id, { ...found, data: found.data.slice() });
    }
    if (found.type === "Channel" && !channels.has(found.id)) {
      channels.set(found.id, {
        format: {
          encoding: found.messageEncoding,
          schema: schemas.get(found.schemaId),
        },
        messages: [],
      });
    }
    if (found.type !== "Messages") continue;
    for (let i = 0; i < found.count; i++) {
      const { messages } = channels.get(found.channels[i])!;
      if (messages.length < 3) messages.push(found.content(i).slice());
    }
  }
  return [...channels.values()];
}

describe("Damaged schemas", () => {
  it("give decoders that keep every message, whatever they say", async () => {
    const { cases, seed } = caseRange(isLong ? 20_000 : 300);
    const samples = [
      "every_type.mcap",
      "protobuf.mcap",
      "flatbuffer.mcap",
      "ros2idl.mcap",
    ].map(samplesOf);
    const counts = { decoded: 0, bytes: 0 };
    for (let i = 0; i < cases; i++) {
      try {
        const random = new Random(seed + i);
        const { format, messages } = random.pick(random.pick(samples));
        const data = damage(format.schema!.data, random);
        const decoder = await open({
          ...format,
          schema: { ...format.schema!, data },
        });
        counts[decoder instanceof RawDecoder ? "bytes" : "decoded"]++;
        let rows = 0;
        const writer = {
          push: () => void rows++,
          pushPrepared: (columns: { rows: number }) => void (rows += columns.rows),
        };
        for (const message of messages) {
          decoder.push(
            writer as never,
            1n,
            random.oneIn(2) ? message : damage(message, random),
            undefined,
          );
        }
        decoder.flush?.(writer as never);
        expect(rows).toBe(messages.length);
      } catch (reason) {
        throw failedCase(seed + i, FILE, reason);
      }
    }
    expect(counts.decoded).toBeGreaterThan(0);
    expect(counts.bytes).toBeGreaterThan(0);
  });
});
