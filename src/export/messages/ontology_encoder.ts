/**
 * The built-in classes -> messages of ROS 2.
 *
 * @module
 */
import { rowClass } from "../../arrow/row_view.ts";
import type { Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import { ROS_ONTOLOGIES } from "../../import/ontology/ros_ontologies.ts";
import { parseRos } from "../../import/ros/ros_decoders.ts";
import { definitionsOf } from "../../import/ros/ros_definitions.ts";
import { firstDifference } from "../../ontology/first_difference.ts";
import type { MessageData } from "../../read/merge/message.ts";
import type { FieldSchema } from "../../schema.ts";
import type { TopicSchema } from "../../types.ts";
import { CdrWriter } from "./cdr_writer.ts";
import { IMAGE_MESSAGES, isRawImage, type MakeMessage, ROS_MESSAGES } from "./ros_messages.ts";
import type { EncodeRow, RowEncoder } from "./row_encoder.ts";

/** Types that do not come with ROS 2. */
const DEFINITIONS = { "nmea_msgs/Sentence": "std_msgs/Header header\nstring sentence" };

/** Messages of a type of ROS 2, made of a class's data. */
export class OntologyEncoder implements RowEncoder {
  readonly format: MessageFormat;
  readonly #fields: readonly FieldSchema[];
  readonly #writer: CdrWriter;
  readonly #make: MakeMessage;

  private constructor(
    format: MessageFormat,
    fields: readonly FieldSchema[],
    writer: CdrWriter,
    make: MakeMessage,
  ) {
    this.format = format;
    this.#fields = fields;
    this.#writer = writer;
    this.#make = make;
  }

  /**
   * For a topic of a built-in class; undefined of others, and of classes that have no type in ROS.
   *
   * @param first Gives the topic's first message, by which one of several types is chosen.
   */
  static async open(
    schema: TopicSchema,
    fields: readonly FieldSchema[],
    first: () => Promise<MessageData | undefined>,
  ): Promise<OntologyEncoder | undefined> {
    const types = typesOf(schema.ontologyTag, fields);
    if (types.length === 0) return undefined;
    const { type, make } = chosen(types, schema, await first());
    const [text] = definitionsOf(type, DEFINITIONS);
    const format = {
      encoding: "cdr",
      schema: {
        name: type.replace("/", "/msg/"),
        encoding: "ros2msg",
        data: new TextEncoder().encode(text),
      },
    };
    const writer = new CdrWriter(await parseRos("ros2msg", text));
    return new OntologyEncoder(format, fields, writer, make);
  }

  bind(columns: readonly Vector[]): EncodeRow {
    const Row = rowClass(this.#fields);
    return (row, out) => this.#writer.write(this.#make(new Row(columns, row) as unknown as MessageData), out);
  }
}

/** The types that a class may come from, if these are its columns. */
function typesOf(tag: string, fields: readonly FieldSchema[]): string[] {
  return Object.entries(ROS_ONTOLOGIES)
    .filter(([type, { ontology }]) => {
      return ontology.tag === tag && ROS_MESSAGES.has(type) &&
        firstDifference(fields, ontology.fields) === undefined;
    })
    .map(([type]) => type);
}

/**
 * The type that the messages came from; else one with a header, and with a covariance where there is one. Pictures that are
 * compressed are of another type than those that are not.
 */
function chosen(
  types: readonly string[],
  { metadata, ontologyTag }: TopicSchema,
  first: MessageData | undefined,
): { type: string; make: MakeMessage } {
  if (ontologyTag === "Image") return IMAGE_MESSAGES[first && !isRawImage(first) ? "compressed" : "raw"];
  const source = String(metadata["mcap.schema_name"] ?? "").replace("/msg/", "/");
  const whole = first?.covariance === undefined
    ? undefined
    : types.find((type) => type.endsWith("WithCovarianceStamped"));
  const stamped = types.find((type) => type.endsWith("Stamped") && !type.endsWith("CovarianceStamped"));
  const type = types.includes(source) ? source : whole ?? stamped ?? types[0];
  return { type, make: ROS_MESSAGES.get(type)! };
}
