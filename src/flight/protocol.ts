/**
 * Names and shapes of Mosaico's protocol, which both sides use. Times are nanoseconds: number or bigint in JSON, so
 * bigint here and made so when read.
 *
 * @module
 */
import type { SerializationFormat } from "../ontology/define_ontology.ts";
import type { LiveInfo, Metadata, SequenceState } from "../types.ts";

/** Where servers listen unless told otherwise. */
export const DEFAULT_PORT = 6726;
/** Request header with the API key. */
export const API_KEY_HEADER = "mosaico-api-key-token";
/** Request header of smalti's clients: they take batches as they are stored, however many rows they have. */
export const AS_STORED_HEADER = "smalti-as-stored";
/** `FlightDescriptor.type` of a path. */
export const PATH = 1;
/** `FlightDescriptor.type` of a command: JSON, as all of the protocol's are. */
export const CMD = 2;
/** Bytes of a message from client to server, unless `info` says otherwise. */
export const MAX_DECODE_BYTES: number = 50 * 2 ** 20;
/** Bytes of a message from server to client at most. */
export const MAX_ENCODE_BYTES: number = 512 * 2 ** 20;
/** Bytes of a message from server to client that a server aims at. */
export const TARGET_ENCODE_BYTES: number = 25 * 2 ** 20;
/** Bytes of an HTTP/2 frame at most: fewer are fewer turns. */
export const FRAME_BYTES: number = 2 ** 20;
/** Bytes of one call that may be on their way before its reader has to take them. */
export const STREAM_WINDOW_BYTES: number = 4 * 2 ** 20;
/** The same for all calls of a connection. With the 64 KiB of HTTP/2 the peer would wait most of the time. */
export const CONNECTION_WINDOW_BYTES: number = 4 * 2 ** 20;

/** First and last time present, both inclusive. */
export interface Interval {
  start_ns: bigint;
  end_ns: bigint;
}

/** `FlightInfo.app_metadata` of a sequence. */
export interface SequenceMetadata {
  resource_locator: string;
  created_at_ns: bigint;
  user_metadata: Metadata;
  sessions: SessionMetadata[];
  /** What smalti's servers tell smalti's clients beside it: others leave it be. */
  smalti: { state: SequenceState; writer?: LiveInfo["writer"] };
}

/** One of a sequence's sessions. */
export interface SessionMetadata {
  locator: string;
  created_at_ns: bigint;
  completed_at_ns: bigint | null;
  locked: boolean;
  /** Locators. */
  topics: string[];
}

/** `FlightEndpoint.app_metadata` of a topic. */
export interface TopicMetadata {
  resource_locator: string;
  created_at_ns: bigint;
  completed_at_ns: bigint | null;
  locked: boolean;
  ontology_tag: string;
  serialization_format: SerializationFormat;
  user_metadata: Metadata;
  /** The whole topic. */
  data_info: {
    interval: Interval | null;
    total_row_count: number;
    total_bytes: number;
    total_chunks_count: number;
  };
  /** The window asked for; null where none was. */
  time_window_info: { interval: Interval | null; row_count: number } | null;
  /**
   * Of a topic that is being recorded, what it holds so far. Not `data_info`: clients stream topics of which that tells an
   * interval.
   */
  smalti?: { live: { interval: Interval | null; row_count: number; total_bytes: number } };
}

/** What `info` answers. */
export interface ServerInfo {
  version: string;
  semver: { major: number; minor: number; patch: number; pre: string };
  config: {
    grpc_max_decode_message_size: number;
    grpc_max_encode_message_size: number;
    grpc_target_encode_message_size: number;
  };
}

/** A wall clock's time in nanoseconds. */
export function nsOf(date: Date): bigint {
  return BigInt(date.getTime()) * 1_000_000n;
}
