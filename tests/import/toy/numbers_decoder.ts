import type { MessageDecoder, MessageSchema, RowWriter } from "../../../src/import/message_decoder.ts";
import type { FieldSchema } from "../../../src/schema.ts";

const ROWS = 1000;

/** Messages `1,2.5` under a schema `x,y`, collected as columns. */
export class NumbersDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[];
  readonly misfitCount = 0;
  readonly #times = new BigInt64Array(ROWS);
  readonly #columns: Float64Array[];
  #rows = 0;

  constructor(names: readonly string[]) {
    const shape = {
      type: { kind: "float", bits: 64 },
      nullable: false,
      children: [],
    } as const;
    this.fields = names.map((name) => ({ name, ...shape }));
    this.#columns = names.map(() => new Float64Array(ROWS));
  }

  static open(schema: MessageSchema | undefined): NumbersDecoder | undefined {
    const text = new TextDecoder().decode(schema!.data);
    return text === "" ? undefined : new NumbersDecoder(text.split(","));
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
  ): Promise<void> | undefined {
    const values = new TextDecoder().decode(bytes).split(",");
    this.#columns.forEach((column, i) => column[this.#rows] = Number(values[i]));
    this.#times[this.#rows++] = timestampNs;
    return this.#rows === ROWS ? this.flush(writer) : undefined;
  }

  flush(writer: RowWriter): Promise<void> | undefined {
    const rows = this.#rows;
    this.#rows = 0;
    const columns = this.fields.map((
      { name },
      i,
    ) => [name, this.#columns[i].subarray(0, rows)]);
    return writer.pushColumns({
      timestampNs: this.#times.subarray(0, rows),
      ...Object.fromEntries(columns),
    });
  }
}
