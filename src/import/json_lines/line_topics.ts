import { ALL } from "../../ontology/builtin/mod.ts";
import { SmaltiError } from "../../error.ts";
import type { Ontology } from "../../ontology/define_ontology.ts";
import { dataFromJson } from "../../ontology/from_json.ts";
import { JsonDecoder } from "../json/json_decoder.ts";
import type { DecoderOptions, MessageDecoder, Row } from "../message_decoder.ts";
import type { SourceTopic } from "../import_topics.ts";
import type { RecordingImport } from "../recording_import.ts";
import { LOG_TIME_FIELD, type TopicImport } from "../topic_import.ts";
import { ExportedDecoder, OntologyDecoder } from "./exported_decoder.ts";
import { likelyExportedShape, likelyShape } from "./likely_shape.ts";
import { lineFlaw, parseData, placeAt } from "./line_data.ts";
import type { Line } from "./line_reader.ts";

/** What of a topic is looked at before its columns are settled: so many messages, or bytes of them. */
const LIKELY_ROWS = 1000;
const LIKELY_BYTES = 64 * 1024;
/** Bytes of messages that are held for it on all topics. */
const HELD_BYTES = 8 * 2 ** 20;

/** A message of a line. */
export interface LineMessage {
  readonly topic: string;
  /** The tag of its ontology. */
  readonly tag: string;
  /** Undefined where lines have none beside the message. */
  readonly timestampNs: bigint | undefined;
  /** Its JSON, within the line. */
  readonly data: Uint8Array;
  /** Whether it is as an export writes it. */
  readonly isExported: boolean;
}

/** A message that waits for the columns of its topic. */
interface Held {
  readonly timestampNs: bigint | undefined;
  readonly data: Uint8Array;
  readonly index: number;
  readonly place: Omit<Line, "bytes">;
}

interface LineTopic {
  readonly name: string;
  readonly tag: string;
  readonly isExported: boolean;
  held: Held[];
  heldBytes: number;
  import: TopicImport | undefined;
}

/**
 * The topics of an import of lines. The first messages of each are held back until its columns are settled by what they are:
 * those of a built-in ontology, where its tag names one and all of them fit it, else those of their likely shape.
 */
export class LineTopics {
  readonly #recording: RecordingImport;
  /** By name, then by tag. */
  readonly #topics = new Map<string, Map<string, LineTopic>>();
  #heldBytes = 0;

  constructor(recording: RecordingImport) {
    this.#recording = recording;
    recording.holdBack(() => this.#settleAll());
  }

  /** Writes a message, or holds it back. A promise that comes back is awaited before the next. Flaws name the line. */
  push(message: LineMessage, line: Line): Promise<void> | undefined {
    const { timestampNs, data } = message;
    const topic = this.#topicOf(message);
    if (topic.import) return this.#write(topic.import, timestampNs, data, undefined, line);
    const { number, offset } = line;
    try {
      parseData(data);
    } catch (reason) {
      return lineFlaw(this.#recording, line, reason);
    }
    const index = this.#recording.numberMessage();
    topic.held.push({ timestampNs, data: data.slice(), index, place: { number, offset } });
    topic.heldBytes += data.length;
    this.#heldBytes += data.length;
    if (this.#heldBytes > HELD_BYTES) return this.#settleAll();
    if (topic.held.length >= LIKELY_ROWS || topic.heldBytes >= LIKELY_BYTES) return this.#settle(topic);
    return undefined;
  }

  #topicOf({ topic: name, tag, isExported }: LineMessage): LineTopic {
    let tags = this.#topics.get(name);
    if (!tags) this.#topics.set(name, tags = new Map());
    let topic = tags.get(tag);
    if (!topic) {
      tags.set(tag, topic = { name, tag, isExported, held: [], heldBytes: 0, import: undefined });
    }
    return topic;
  }

  async #settleAll(): Promise<void> {
    for (const tags of this.#topics.values()) {
      for (const topic of tags.values()) if (topic.held.length > 0) await this.#settle(topic);
    }
  }

  async #settle(topic: LineTopic): Promise<void> {
    const { held } = topic;
    const made = topic.import = await this.#recording.createTopic(this.#sourceTopic(topic));
    topic.held = [];
    this.#heldBytes -= topic.heldBytes;
    topic.heldBytes = 0;
    for (const { timestampNs, data, index, place } of held) {
      const written = this.#write(made, timestampNs, data, index, place);
      if (written) await written;
    }
  }

  #sourceTopic({ name, tag, isExported, held }: LineTopic): SourceTopic {
    const messages = held.map(({ data }) => parseData(data));
    const ontology = isExported ? builtinFor(tag, messages) : undefined;
    const open = (options: DecoderOptions): MessageDecoder => {
      if (ontology) return new OntologyDecoder(ontology.fields, options);
      return isExported
        ? new ExportedDecoder(likelyExportedShape(messages), options)
        : JsonDecoder.ofShape(likelyShape(messages), options);
    };
    const hasLogTime = this.#recording.time === "field" && isExported;
    return {
      name,
      tag,
      format: open,
      ...(ontology && { serializationFormat: ontology.format }),
      ...(hasLogTime && { envelope: [LOG_TIME_FIELD] }),
      metadata: { "ndjson.topic": name },
    };
  }

  #write(
    topic: TopicImport,
    timestampNs: bigint | undefined,
    data: Uint8Array,
    index: number | undefined,
    line: Omit<Line, "bytes">,
  ): Promise<void> | undefined {
    const hasLogTime = timestampNs !== undefined && this.#recording.time === "field";
    const envelope: Row | undefined = hasLogTime ? { [LOG_TIME_FIELD.name]: timestampNs } : undefined;
    placeAt(this.#recording, line);
    // Without a time of its own the decoder finds it in the message.
    return topic.push(timestampNs ?? 0n, data, envelope, index);
  }
}

/** The built-in ontology that a tag names, where all of the messages are of it. */
function builtinFor(tag: string, messages: readonly Row[]): Ontology<unknown> | undefined {
  const ontology = ALL.find((builtin) => builtin.tag === tag);
  return ontology && messages.every((message) => isOf(ontology, message)) ? ontology : undefined;
}

function isOf({ fields }: Ontology<unknown>, message: Row): boolean {
  try {
    dataFromJson(fields, message);
    return true;
  } catch (reason) {
    if (reason instanceof SmaltiError) return false;
    throw reason;
  }
}
