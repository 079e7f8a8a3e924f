import { MessageReader as Ros1Reader } from "@foxglove/rosmsg-serialization";
import { MessageReader as Ros2Reader } from "@foxglove/rosmsg2-serialization";
import { describe, expect, it } from "vitest";
import { isFitting, STATUS } from "../../src/record_plan.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { compileRos, type RosDefinition, RosDefinitionError } from "../../src/import/ros/ros_plan.ts";
import { rosSource } from "../contract/records/ros_source.ts";
import { decodeRows } from "../support/record_rows.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const engine = createJsEngine();
const range = caseRange(300);

/** A library's message as our rows have it. */
function asRow(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  if (ArrayBuffer.isView(value)) {
    return [...value as unknown as Iterable<unknown>];
  }
  if (Array.isArray(value)) return value.map(asRow);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map((
      [name, part],
    ) => [name === "nsec" ? "nanosec" : name, asRow(part)]),
  );
}

function check(
  encoding: "cdr" | "packed",
  read: (definitions: never, record: Uint8Array) => unknown,
) {
  for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
    const source = rosSource(new Random(seed), encoding, true);
    // The reader takes a definition of constants alone for a module, and the next one for the message's own.
    const schema = source.schema.map(({ name, definitions }) => ({
      name,
      definitions: definitions.filter(({ isConstant }) => !isConstant),
    }));
    const records = Array.from({ length: 3 }, () => source.record());
    try {
      const { statuses, rows } = decodeRows(engine, source, records);
      expect(statuses.filter((status) => !isFitting(status))).toEqual([]);
      expect(rows).toEqual(
        records.map((record) => asRow(read(schema as never, record))),
      );
    } catch (reason) {
      throw failedCase(seed, "tests/import/ros_records.test.ts", reason);
    }
  }
}

const plan = (
  definitions: RosDefinition["definitions"],
  encoding: "cdr" | "packed" = "cdr",
) => compileRos([{ definitions }], "pkg/Test", encoding);
const one = (compiled: ReturnType<typeof plan>, ...bytes: number[]) => {
  const { statuses, rows } = decodeRows(engine, compiled, [
    Uint8Array.from(bytes),
  ]);
  return { status: statuses[0], row: rows[0] };
};

describe("Records of ROS", () => {
  it("become what the reader of ROS 2 makes of them", () => {
    check(
      "cdr",
      (definitions, record) => new Ros2Reader(definitions).readMessage(record),
    );
  });

  it("become what the reader of ROS 1 makes of them", () => {
    check(
      "packed",
      (definitions, record) => new Ros1Reader(definitions).readMessage(record),
    );
  });

  it("align values of 8 bytes to 8 in version 1 of XCDR, to 4 in version 2", () => {
    const compiled = plan([{ type: "int32", name: "a" }, {
      type: "int64",
      name: "b",
    }]);
    const expected = { status: STATUS.unusual, row: { a: 1, b: 2n } };
    expect(
      one(compiled, 0, 1, 0, 0, 1, 0, 0, 0, 9, 9, 9, 9, 2, 0, 0, 0, 0, 0, 0, 0),
    ).toEqual(expected);
    expect(
      one(compiled, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 2),
    ).toEqual(expected);
    expect(one(compiled, 0, 7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0))
      .toEqual(expected);
    expect(one(compiled, 0, 6, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2))
      .toEqual(expected);
  });

  it("have the size of a list of structs in front in version 2 of XCDR, of numbers not", () => {
    const compiled = compileRos(
      [
        {
          definitions: [{
            type: "P",
            name: "p",
            isArray: true,
            isComplex: true,
          }],
        },
        { name: "P", definitions: [{ type: "uint16", name: "x" }] },
      ],
      "Test",
      "cdr",
    );
    expect(one(compiled, 0, 7, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 5, 0)).toEqual({
      status: STATUS.unusual,
      row: { p: [{ x: 5 }] },
    });
    const numbers = plan([{ type: "uint16", name: "x", isArray: true }]);
    expect(one(numbers, 0, 7, 0, 0, 1, 0, 0, 0, 5, 0)).toEqual({
      status: STATUS.unusual,
      row: { x: [5] },
    });
  });

  it("have no padding after an empty list of 8-byte values", () => {
    const compiled = plan([{ type: "float64", name: "a", isArray: true }, {
      type: "uint8",
      name: "b",
    }]);
    expect(one(compiled, 0, 1, 0, 0, 0, 0, 0, 0, 7)).toEqual({
      status: STATUS.fits,
      row: { a: [], b: 7 },
    });
  });

  it("of no fields have one byte in ROS 2, within others too, and none in ROS 1", () => {
    const definitions: RosDefinition[] = [
      {
        definitions: [{ type: "E", name: "e", isComplex: true }, {
          type: "uint8",
          name: "b",
        }],
      },
      { name: "E", definitions: [] },
    ];
    const row = { e: {}, b: 7 };
    expect(one(compileRos(definitions, "Test", "cdr"), 0, 1, 0, 0, 0, 7))
      .toEqual({
        status: STATUS.fits,
        row,
      });
    expect(one(compileRos(definitions, "Test", "packed"), 7)).toEqual({
      status: STATUS.fits,
      row,
    });
    expect(one(plan([]), 0, 1, 0, 0, 0)).toEqual({
      status: STATUS.fits,
      row: {},
    });
    expect(
      one(
        plan([{ type: "uint8", name: "structure_needs_at_least_one_member" }]),
        0,
        1,
        0,
        0,
        0,
      ),
    )
      .toEqual({ status: STATUS.fits, row: {} });
  });

  it("hold texts without NUL, and what is no UTF-8 with U+FFFD for it", () => {
    const compiled = plan([{ type: "string", name: "a" }]);
    expect(one(compiled, 0, 1, 0, 0, 2, 0, 0, 0, 104, 105)).toEqual({
      status: STATUS.unusual,
      row: { a: "hi" },
    });
    expect(one(compiled, 0, 1, 0, 0, 3, 0, 0, 0, 104, 105, 0).row).toEqual({
      a: "hi",
    });
    expect(one(compiled, 0, 1, 0, 0, 0, 0, 0, 0).row).toEqual({ a: "" });
    expect(one(compiled, 0, 1, 0, 0, 3, 0, 0, 0, 104, 255, 0)).toEqual({
      status: STATUS.text,
      row: { a: "h\ufffd" },
    });
  });

  it("are unusual where their values do not tell their bytes, and padded where zeros follow", () => {
    const cdr = plan([{ type: "bool", name: "a" }, { type: "uint16", name: "b" }, {
      type: "bool",
      name: "c",
    }]);
    const row = { a: true, b: 2, c: false };
    const statusOf = (...bytes: number[]) => {
      const found = one(cdr, ...bytes);
      expect(found.row).toEqual(row);
      return found.status;
    };
    expect(statusOf(0, 1, 0, 0, 1, 0, 2, 0, 0)).toBe(STATUS.fits);
    // Padding within, a boolean, options, the order of bytes, the version.
    expect(statusOf(0, 1, 0, 0, 1, 9, 2, 0, 0)).toBe(STATUS.unusual);
    expect(statusOf(0, 1, 0, 0, 2, 0, 2, 0, 0)).toBe(STATUS.unusual);
    expect(statusOf(0, 1, 0, 3, 1, 0, 2, 0, 0)).toBe(STATUS.unusual);
    expect(statusOf(0, 0, 0, 0, 1, 0, 0, 2, 0)).toBe(STATUS.unusual);
    expect(statusOf(0, 7, 0, 0, 1, 0, 2, 0, 0)).toBe(STATUS.unusual);
    // Zeros up to 8 bytes, up to another place, and what is no zeros; both at once.
    expect(statusOf(0, 1, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0)).toBe(STATUS.padded);
    expect(statusOf(0, 1, 0, 0, 1, 0, 2, 0, 0, 0, 0)).toBe(STATUS.unusual);
    expect(statusOf(0, 1, 0, 0, 1, 0, 2, 0, 0, 0, 9, 0)).toBe(STATUS.unusual);
    expect(statusOf(0, 1, 0, 0, 1, 9, 2, 0, 0, 0, 0, 0)).toBe(STATUS.unusual);
    // The byte of a type without fields.
    expect(one(plan([]), 0, 1, 0, 0, 5)).toEqual({ status: STATUS.unusual, row: {} });
    expect(one(plan([]), 0, 1, 0, 0, 0, 0, 0, 0)).toEqual({ status: STATUS.padded, row: {} });
    // In ROS 1 there is no padding, but there are booleans; in a prefix what no column takes is nothing.
    const packed = plan([{ type: "bool", name: "a", isArray: true }], "packed");
    expect(one(packed, 1, 0, 0, 0, 1)).toEqual({ status: STATUS.fits, row: { a: [true] } });
    expect(one(packed, 1, 0, 0, 0, 3)).toEqual({ status: STATUS.unusual, row: { a: [true] } });
    const prefix = { ...packed, plan: { ...packed.plan, encoding: "packedPrefix" as const } };
    expect(one(prefix, 1, 0, 0, 0, 3)).toEqual({ status: STATUS.fits, row: { a: [true] } });
  });

  it("have the seconds and nanoseconds of their version", () => {
    const definitions = [{ type: "time", name: "t" }, {
      type: "duration",
      name: "d",
    }];
    const bytes = new Array(16).fill(255);
    expect(one(plan(definitions), 0, 1, 0, 0, ...bytes).row).toEqual({
      t: { sec: -1, nanosec: 2 ** 32 - 1 },
      d: { sec: -1, nanosec: 2 ** 32 - 1 },
    });
    expect(one(plan(definitions, "packed"), ...bytes).row).toEqual({
      t: { sec: 2 ** 32 - 1, nanosec: 2 ** 32 - 1 },
      d: { sec: -1, nanosec: -1 },
    });
  });

  it("that do not fit leave nulls and say why", () => {
    const compiled = plan([{ type: "uint32", name: "a" }]);
    const row = { a: null };
    expect(one(compiled)).toEqual({ status: STATUS.short, row });
    expect(one(compiled, 0, 1, 0, 0, 1, 0, 0)).toEqual({
      status: STATUS.short,
      row,
    });
    expect(one(compiled, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)).toEqual({
      status: STATUS.long,
      row,
    });
    for (const kind of [2, 3, 8, 9, 10, 11]) {
      expect(one(compiled, 0, kind, 0, 0, 1, 0, 0, 0)).toEqual({
        status: STATUS.encoding,
        row,
      });
    }
    expect(
      one(
        plan([{ type: "uint32", name: "a", isArray: true }]),
        0,
        1,
        0,
        0,
        255,
        255,
        255,
        255,
        1,
      ),
    )
      .toEqual({
        status: STATUS.short,
        row,
      });
  });

  it("of what would take no bytes or too many are refused", () => {
    const empty = { name: "E", definitions: [] };
    for (const arrayLength of [undefined, 2 ** 31]) {
      const field = {
        type: "E",
        name: "e",
        isArray: true,
        isComplex: true,
        arrayLength,
      };
      expect(() => compileRos([{ definitions: [field] }, empty], "Test", "packed")).toThrow(
        RosDefinitionError,
      );
    }
    const bytes = {
      type: "uint8",
      name: "b",
      isArray: true,
      arrayLength: 2 ** 32,
    };
    expect(() => plan([bytes])).toThrow(RosDefinitionError);
  });
});
