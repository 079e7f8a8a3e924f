/**
 * A server that has one topic, `s/a`, takes what is written, and does as it is told: rightly or not. Written from the
 * protocol, not from our server.
 *
 * @module
 */
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { FlightService } from "../../src/flight/generated/flight_pb.ts";
import type { FlightParts } from "../../src/flight/ipc.ts";
import { encodeJson } from "../../src/flight/json.ts";
import { VALUE_FIELDS } from "./support.ts";

/** When in a call something happens: before anything, after the first batch (GetFlightInfo: the second call), after all. */
export type Moment = "start" | "middle" | "end";

/** What a server does; each may be changed while it runs. */
export interface StandIn {
  /** What DoGet sends. @default nothing */
  parts?: readonly FlightParts[];
  /** How DoGet ends: a status, or to cut the connection, or to send nothing more and stay. @default rightly */
  fails?: "data_loss" | "permission_denied" | "unavailable" | "cut" | "stall";
  /** A call that is answered by a status: an RPC's name, or an action's. @default none */
  refuses?: { call: string; code: Code; message: string; at?: Moment };
  /** That DoPut cuts the connection, or takes nothing more and stays, after its first batch. @default neither */
  put?: "cut" | "stall";
  /** The framed schema message that GetSchema gives. @default VALUE_FIELDS */
  schema?: Uint8Array;
  /** What actions answer, as text; instead of the right thing. */
  answers?: Readonly<Record<string, string>>;
  /** `FlightInfo.app_metadata` as text. @default `SEQUENCE` */
  sequence?: string;
  /** `FlightEndpoint.app_metadata` as text. @default `TOPIC` */
  topic?: string;
  /** Whether endpoints come without a ticket. @default false */
  noTicket?: boolean;
  /** What DoGet sends instead of gRPC's messages: these bytes, and then nothing. @default nothing of the kind */
  bytes?: Uint8Array;
}

/** What it has seen. */
export interface Seen {
  /** Headers of all calls. */
  readonly headers: readonly Headers[];
  /** The calls' names, those of actions in the place of DoAction. */
  readonly calls: readonly string[];
}

const CODES = {
  data_loss: Code.DataLoss,
  permission_denied: Code.PermissionDenied,
  unavailable: Code.Unavailable,
};

/** Metadata of the sequence `s` with all that is needed. */
export const SEQUENCE = {
  resource_locator: "s",
  created_at_ns: 1,
  // Fields that nobody knows are none of anybody's business.
  mood: "good",
  sessions: [{ locator: "s:1", created_at_ns: 1, completed_at_ns: 2, locked: true, topics: ["s/a"] }],
};

/** Metadata of the topic `s/a` with all that is needed. */
export const TOPIC = {
  resource_locator: "s/a",
  created_at_ns: 1,
  locked: true,
  ontology_tag: "Value",
  serialization_format: "default",
  data_info: { interval: { start_ns: 0, end_ns: 10 }, total_bytes: 1, total_chunks_count: 1 },
};

const RESPONSES: Readonly<Record<string, object | null>> = {
  info: null,
  sequence_create: null,
  session_create: { uuid: "u1", locator: "s:1" },
  topic_create: { uuid: "u2" },
  session_finalize: null,
  session_delete: null,
  sequence_delete: null,
  topic_notification_create: null,
  sequence_notification_create: null,
};

/** Runs `body` with such a server. */
export async function standIn<R>(told: StandIn, body: (url: string, seen: Seen) => Promise<R>): Promise<R> {
  const headers: Headers[] = [];
  const calls: string[] = [];
  const bytes = (text: string | undefined, value: object) =>
    text === undefined ? encodeJson(value) : new TextEncoder().encode(text);
  const note = ({ requestHeader }: HandlerContext, call: string) => {
    headers.push(requestHeader);
    calls.push(call);
    refuse(call, "start");
  };
  const refuse = (call: string, moment: Moment) => {
    const { refuses } = told;
    if (refuses?.call !== call || (refuses.at ?? "start") !== moment) return;
    throw new ConnectError(refuses.message, refuses.code);
  };
  const connections = new Set<{ destroy(): void }>();
  const cut = async () => {
    // What was sent is on its way first.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const connection of connections) connection.destroy();
  };
  const stall = ({ signal }: HandlerContext) =>
    new Promise((resolve) => signal.addEventListener("abort", resolve));
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(FlightService, {
        async *listFlights(_, handler) {
          note(handler, "ListFlights");
          yield { flightDescriptor: { type: 1, path: ["s"] } };
        },
        async *doAction({ type }, handler) {
          note(handler, type);
          if (!(type in RESPONSES)) throw new ConnectError("unknown action", Code.InvalidArgument);
          yield { body: bytes(told.answers?.[type], { action: type, response: RESPONSES[type] }) };
        },
        getFlightInfo: (flightDescriptor, handler) => {
          note(handler, "GetFlightInfo");
          if (calls.filter((call) => call === "GetFlightInfo").length > 1) refuse("GetFlightInfo", "middle");
          return {
            flightDescriptor,
            appMetadata: bytes(told.sequence, SEQUENCE),
            endpoint: [{
              ...(!told.noTicket && { ticket: { ticket: Uint8Array.of(1, 2, 3) } }),
              appMetadata: bytes(told.topic, TOPIC),
            }],
          };
        },
        getSchema: (_, handler) => {
          note(handler, "GetSchema");
          const schema = told.schema ?? encodeSchemaMessage({ fields: VALUE_FIELDS, metadata: new Map() });
          return { schema: Uint8Array.from(schema) };
        },
        async *doGet(_, handler) {
          note(handler, "DoGet");
          let sent = 0;
          for (const part of told.parts ?? []) {
            yield part;
            if (++sent === 2) refuse("DoGet", "middle"); // schema and a batch
          }
          refuse("DoGet", "end");
          const { fails } = told;
          if (fails === "stall") await stall(handler);
          else if (fails === "cut") await cut();
          else if (fails) throw new ConnectError("no more", CODES[fails]);
        },
        // deno-lint-ignore require-yield -- no PutResult is ever sent
        async *doPut(requests, handler) {
          note(handler, "DoPut");
          let taken = 0;
          for await (const _ of requests) {
            if (++taken < 2) continue;
            refuse("DoPut", "middle"); // schema and a batch
            if (told.put === "stall") await stall(handler);
            else if (told.put === "cut") return await cut();
          }
          refuse("DoPut", "end");
        },
      }),
  });
  const http = createServer((request, response) => {
    if (!told.bytes || !request.url.endsWith("/DoGet")) return handler(request, response);
    response.writeHead(200, { "content-type": "application/grpc+proto" });
    response.write(told.bytes);
  });
  http.on("session", (session) => connections.add(session));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  try {
    return await body(`grpc://127.0.0.1:${(http.address() as AddressInfo).port}`, { headers, calls });
  } finally {
    for (const connection of connections) connection.destroy();
    await new Promise((resolve) => http.close(resolve));
  }
}
