/**
 * Random definitions of ROS messages, and records of them as CDR, ROS 1 or a prefix.
 *
 * @module
 */
import type { RecordEncoding } from "../../../src/record_plan.ts";
import {
  compileRos,
  type RosDefinition,
  RosDefinitionError,
  type RosField,
} from "../../../src/import/ros/ros_plan.ts";
import { ByteSink } from "../../support/byte_sink.ts";
import type { Random } from "../../support/random_cases.ts";
import { anyByte, anyBytes, anyLength, anyText, type RecordSource } from "./record_sources.ts";

const WIDTHS: Readonly<Record<string, number>> = {
  bool: 1,
  byte: 1,
  char: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
  float64: 8,
};
const TYPES = [...Object.keys(WIDTHS), "string", "string", "time", "duration"];
/** Without names that parsers replace. */
const PLAIN_TYPES = TYPES.filter((type) => type !== "byte" && type !== "char");
const FILLER = "structure_needs_at_least_one_member";

/** @param isPlain Only what every reader takes: XCDR version 1, texts that are UTF-8 and end with NUL. */
export function rosSource(
  random: Random,
  encoding: RecordEncoding,
  isPlain = false,
): RecordSource & { readonly schema: RosDefinition[] } {
  const isCdr = encoding === "cdr";
  for (;;) {
    const definitions = anyDefinitions(random, isCdr, isPlain);
    try {
      const { fields, plan } = compileRos(
        definitions,
        "pkg/T0",
        isCdr ? "cdr" : "packed",
      );
      return {
        fields,
        plan: { ...plan, encoding },
        schema: definitions,
        record: () => new RosWriter(random, definitions, encoding, isPlain).record(),
      };
    } catch (reason) {
      // A list of what takes no bytes.
      if (!(reason instanceof RosDefinitionError)) throw reason;
    }
  }
}

function anyDefinitions(random: Random, isCdr: boolean, isPlain: boolean): RosDefinition[] {
  const count = 1 + random.below(4);
  return Array.from({ length: count }, (_, type) => ({
    name: `pkg/T${type}`,
    definitions: isCdr && !isPlain && random.oneIn(8) ? [{ type: "uint8", name: FILLER }] : Array.from(
      { length: random.below(random.oneIn(10) ? 30 : 6) },
      (_, i): RosField => {
        const isComplex = type + 1 < count && random.oneIn(3);
        const name = `f${i}`;
        if (random.oneIn(20)) {
          return { type: "int32", name, isConstant: true };
        }
        return {
          type: isComplex
            ? `pkg/T${type + 1 + random.below(count - type - 1)}`
            : random.pick(isPlain ? PLAIN_TYPES : TYPES),
          name,
          isComplex,
          ...random.pick<Partial<RosField>>([
            {},
            {},
            { isArray: true },
            {
              isArray: true,
              arrayLength: !isComplex && random.oneIn(20) ? 70 : 1 + random.below(3),
            },
          ]),
        };
      },
    ),
  }));
}

class RosWriter {
  readonly #random: Random;
  readonly #definitions: readonly RosDefinition[];
  readonly #sink: ByteSink;
  readonly #isCdr: boolean;
  readonly #isDelimited: boolean;
  readonly #isPlain: boolean;

  constructor(
    random: Random,
    definitions: readonly RosDefinition[],
    encoding: RecordEncoding,
    isPlain: boolean,
  ) {
    this.#isPlain = isPlain;
    this.#random = random;
    this.#definitions = definitions;
    this.#isCdr = encoding === "cdr";
    const kind = isPlain ? random.below(2) : random.pick([0, 1, 1, 6, 7]);
    this.#isDelimited = this.#isCdr && kind >= 6;
    this.#sink = new ByteSink(
      this.#isCdr ? { isBig: kind % 2 === 0, maxAlignment: kind >= 6 ? 4 : 8 } : {},
    );
    if (this.#isCdr) this.#sink.bytes([0, kind, 0, 0]);
    this.#sink.begin();
  }

  record(): Uint8Array {
    this.#struct(this.#definitions[0].definitions);
    if (this.#isCdr && this.#random.oneIn(4)) this.#sink.align(4);
    return this.#sink.take();
  }

  #struct(fields: readonly RosField[]): void {
    const inRecord = fields.filter(({ isConstant }) => !isConstant);
    if (inRecord.length === 0 && this.#isCdr) this.#sink.bytes([0]);
    for (const field of inRecord) this.#field(field);
  }

  #field(field: RosField): void {
    const { type, isArray, arrayLength } = field;
    if (!isArray) return this.#value(type);
    if (this.#isDelimited && !Object.hasOwn(WIDTHS, type)) {
      this.#sink.u32(this.#random.below(1000));
    }
    const length = arrayLength ??
      (this.#sink.length > 1000 ? 0 : anyLength(this.#random));
    if (arrayLength === undefined) this.#sink.u32(length);
    for (let i = 0; i < length; i++) this.#value(type);
  }

  #value(type: string): void {
    const random = this.#random;
    if (Object.hasOwn(WIDTHS, type)) {
      return this.#sink.value(anyBytes(random, WIDTHS[type]));
    }
    if (type === "string") {
      const text = anyText(random, this.#isPlain);
      if (this.#isCdr && (this.#isPlain || !random.oneIn(20))) text.push(0);
      this.#sink.u32(text.length);
      return this.#sink.bytes(text);
    }
    if (type === "time" || type === "duration") {
      this.#sink.u32(anyByte(random) << 20);
      return this.#sink.u32(anyByte(random));
    }
    this.#struct(
      this.#definitions.find(({ name }) => name === type)!.definitions,
    );
  }
}
