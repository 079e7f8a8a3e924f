/**
 * What turns the messages of a topic into columns, whatever file they come from.
 *
 * @module
 */
import type { Columns } from "../arrow/columns.ts";
import type { Engine } from "../engine.ts";
import type { RecordJob } from "../record_plan.ts";
import type { FieldSchema } from "../schema.ts";
import type { TopicWriter } from "../write/topic_writer.ts";
import type { Flaw } from "./flaws.ts";
import type { TimeField } from "./message_time.ts";
import type { ClassColumns, KnownMapping } from "./ontology/mapping.ts";

/** How the messages of a topic are encoded. Names are those of MCAP's registry, whatever the file's format. */
export interface MessageFormat {
  /** Such as `json`, `cdr`, `ros1`, `protobuf`; empty where the file does not say. */
  readonly encoding: string;
  /** What describes the messages, where the file has it. */
  readonly schema?: MessageSchema;
}

/** What describes the messages of a topic. */
export interface MessageSchema {
  /** Name of the messages' type; where `data` describes several, which of them it is. */
  readonly name: string;
  /** Such as `jsonschema`, `ros2msg`, `protobuf`. */
  readonly encoding: string;
  /** The description: a text or bytes, as the encoding has it. */
  readonly data: Uint8Array;
}

/** What is written of a message: one property a column. */
export type Row = Record<string, unknown>;

/** What a decoder may ask of its topic's writer. */
export interface RowWriter extends Pick<TopicWriter<Row>, "push" | "pushColumns"> {
  /** Takes columns as the store has them: the times, then the fields. They are read before it returns. */
  pushPrepared(columns: Columns): Promise<void> | undefined;
}

/** Options of a decoder. */
export interface DecoderOptions {
  /** Decodes, and is the decoders' own as long as the import goes on. */
  readonly engine: Engine;
  /** Bytes that all decoders of the import hold back in columns: one counter for all, which each keeps. @default its own */
  readonly collected?: { bytes: number };
  /** Columns that the topic has beside the decoder's. */
  readonly reserved: readonly FieldSchema[];
  /** Whether columns are wanted for what is around the values of a message. @default false */
  readonly envelope?: boolean;
  /** What the messages are to become, where that is not what they are in their own system. */
  readonly mapping?: KnownMapping | undefined;
  /** Keeps a message that the columns of a mapping do not hold, as it is. */
  readonly aside?: (timestampNs: bigint, bytes: Uint8Array) => Promise<void>;
  /** Takes what is wrong with messages that were held back. May throw. */
  readonly flaw?: (flaw: Flaw) => void;
  /** What integers of 64 bits become: int64, which reads as bigint, or float64. */
  readonly integers: "bigint" | "number";
  /** The field that says when messages were, in place of the times that are pushed with them. */
  readonly time?: TimeField | undefined;
}

/** Decodes the messages of one topic. */
export interface MessageDecoder {
  /** The class of its messages, where they are of one. */
  readonly ontology?: Pick<ClassColumns, "tag" | "format"> | undefined;
  /** The columns that it fills. */
  readonly fields: readonly FieldSchema[];
  /** Messages so far that the columns do not hold whole, so that they are kept as they were too. */
  readonly misfitCount: number;
  /** Those by what is wrong with them, where that is known. */
  readonly misfits?: Readonly<Record<string, number>>;
  /** Why messages stay bytes, where they do. */
  readonly reason?: string | undefined;
  /**
   * Writes one message, or holds it back to write many as columns: no more than some thousand rows or 64 KiB, since
   * nobody counts them, and beside them a batch of columns, which are counted in {@linkcode DecoderOptions.collected}. Messages of one time stay in their order. `bytes` are the caller's again when it returns.
   *
   * @param beside Values of the reserved columns.
   * @returns What the writer returns.
   */
  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined;
  /**
   * Notes a message that lies in a piece of bytes, which are the caller's: until {@linkcode decodeNoted} no other piece is noted
   * and nothing is pushed. Where a decoder has this it has the next two.
   *
   * @param low The low 32 bits of its time; `high` has the others.
   * @returns Messages that are noted; 0 where it does not take this one.
   */
  note?(start: number, end: number, low: number, high: number): number;
  /** What is noted, to be decoded. */
  readonly noted?: RecordJob;
  /** Takes what was decoded of what is noted. */
  decodeNoted?(writer: RowWriter, bytes: Uint8Array): Promise<void> | undefined;
  /** Writes what {@linkcode push} holds back. */
  flush?(writer: RowWriter): Promise<void> | undefined;
}

/** Why a topic's messages stay bytes. */
export class Undecodable extends Error {}

/** One kind of decoder, and what it is for. */
export interface DecoderKind {
  /** The encoding of the messages. */
  readonly encoding: string;
  /** The encoding of their schema. @default any, and none */
  readonly schemaEncoding?: string;
  /** Whether its decoders heed the option `time`. @default false */
  readonly readsTime?: boolean;
  /** A decoder for one topic; undefined where it can do nothing with the schema, or Undecodable that says why. */
  open(
    schema: MessageSchema | undefined,
    options: DecoderOptions,
  ): MessageDecoder | undefined | Promise<MessageDecoder | undefined>;
}
