/**
 * A topic that several sequences have, as one.
 *
 * @module
 */
import type { TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { messageTopic } from "../read/merge/message.ts";
import { ResumingBlocks } from "../read/merge/resuming_blocks.ts";
import type { RowBlock } from "../read/merge/row_block.ts";
import { RowBlocks } from "../read/merge/row_blocks.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { bufferedBytes } from "../read/streamer.ts";
import { reopened } from "../reopen.ts";
import { type FieldSchema, plainFields, typeName } from "../schema.ts";
import type { TopicSchema, Window } from "../types.ts";
import { totals } from "../util/totals.ts";
import { joinedMetadata } from "./joined_metadata.ts";

/** A topic as a sequence has it. */
export interface TopicOrigin {
  readonly handler: SequenceHandler;
  readonly name: string;
}

/** The same, opened. */
interface Part extends TopicOrigin {
  readonly source: TopicSource;
}

/** One topic, made of those of some sequences. */
export class SharedTopic {
  /** What it is called in the new sequence. */
  readonly name: string;
  /** Its columns in plain types, `timestamp_ns` first; of metadata, a later sequence's key wins. */
  readonly schema: TopicSchema;
  readonly #engine: Engine;
  readonly #parts: readonly Part[];

  private constructor(name: string, parts: readonly Part[]) {
    this.name = name;
    this.#parts = parts;
    const [{ handler, source }] = parts;
    this.#engine = handler.engine;
    this.schema = {
      ...source.schema,
      fields: plainFields(source.schema.fields),
      metadata: joinedMetadata(parts.map(({ source }) => source.schema.metadata)),
    };
  }

  /** Rows of all time. */
  get rowCount(): number {
    return totals(this.#parts.map(({ source }) => source.info)).rowCount;
  }

  /** Opens the topics that it is made of, one at least. INVALID_ARGUMENT where they are not alike. CORRUPT. */
  static async open(name: string, origins: readonly TopicOrigin[]): Promise<SharedTopic> {
    const parts: Part[] = [];
    for (const origin of origins) {
      parts.push({ ...origin, source: await origin.handler.topicSource(origin.name) });
    }
    const [first, ...others] = parts;
    for (const other of others) {
      const difference = schemaDifference(first.source.schema, other.source.schema);
      if (difference === undefined) continue;
      const { subject, values: [a, b] } = difference;
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Cannot merge topic "${name}": ${subject} is ${a} in sequence "${first.handler.name}" and ${b} in ` +
          `sequence "${other.handler.name}", wanted the same in both`,
        { sequence: other.handler.name, topic: other.name },
      );
    }
    return new SharedTopic(name, parts);
  }

  /** Its rows in a window in time order, of one time those of an earlier sequence first. Each block is good until the next. */
  async *rowBlocks(window: Window, signal: AbortSignal | undefined): AsyncGenerator<RowBlock> {
    let sources = this.#parts.map(({ source }) => source);
    const open = (part: Window) => {
      // By one name, so that their rows are one block's rows of one topic.
      const [{ name }] = this.#parts;
      const topics = this.#parts.map(({ handler }, i) => ({
        topic: messageTopic(handler.name, name, sources[i].schema),
        source: sources[i].runs(part, signal),
      }));
      return new RowBlocks(this.#engine, topics, bufferedBytes({}));
    };
    const reopen = async () => {
      sources = await Promise.all(sources.map(reopened));
    };
    const blocks = new ResumingBlocks(open(window), window, open, reopen);
    try {
      for (;;) {
        const block = await blocks.next();
        if (!block) return;
        yield block;
      }
    } finally {
      blocks.close();
    }
  }
}

/** Something in which two schemas differ: what, and how it is in each. */
interface Difference {
  readonly subject: string;
  readonly values: readonly [string, string];
}

function schemaDifference(a: TopicSchema, b: TopicSchema): Difference | undefined {
  if (a.ontologyTag !== b.ontologyTag) {
    return {
      subject: "its ontology",
      values: [JSON.stringify(a.ontologyTag), JSON.stringify(b.ontologyTag)],
    };
  }
  if (a.serializationFormat !== b.serializationFormat) {
    return { subject: "its serialization format", values: [a.serializationFormat, b.serializationFormat] };
  }
  return fieldDifference(plainFields(a.fields), plainFields(b.fields), "");
}

/** The first difference, as deep as it goes: columns are joined by their place, so order counts. */
function fieldDifference(
  a: readonly FieldSchema[],
  b: readonly FieldSchema[],
  path: string,
): Difference | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left?.name !== right?.name) {
      const what = (field?: FieldSchema) =>
        field ? `${JSON.stringify(path + field.name)} (${typeText(field)})` : "missing";
      return { subject: `field ${i} of ${path || "its columns"}`, values: [what(left), what(right)] };
    }
    const subject = `field "${path}${left.name}"`;
    const within = left.children.length > 0 && left.type.kind === right.type.kind
      ? fieldDifference(left.children, right.children, `${path}${left.name}.`)
      : undefined;
    if (within) return within;
    if (typeText(left) !== typeText(right)) return { subject, values: [typeText(left), typeText(right)] };
    const facts = [left, right].map(({ metadata = {} }) => JSON.stringify(Object.entries(metadata).sort()));
    if (facts[0] !== facts[1]) {
      return { subject: `what is said of ${subject}`, values: [facts[0], facts[1]] };
    }
  }
  return undefined;
}

function typeText(field: FieldSchema): string {
  return typeName(field) + (field.nullable ? " or null" : "");
}
