/**
 * A server that has one topic, `s/a`, and streams it as it is told: rightly or not.
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

/** What DoGet sends, and how it ends. */
export interface StandInStream {
  parts: readonly FlightParts[];
  /** A status, or to cut the connection, or to send nothing more and stay. */
  fails?: "data_loss" | "permission_denied" | "unavailable" | "cut" | "stall";
}

const CODES = {
  data_loss: Code.DataLoss,
  permission_denied: Code.PermissionDenied,
  unavailable: Code.Unavailable,
};

/** Runs `body` with such a server; it sees the headers of all calls so far. */
export async function standIn<R>(
  { parts, fails }: StandInStream,
  body: (url: string, headers: readonly Headers[]) => Promise<R>,
): Promise<R> {
  const headers: Headers[] = [];
  const note = ({ requestHeader }: HandlerContext) => void headers.push(requestHeader);
  const connections = new Set<{ destroy(): void }>();
  const http = createServer(connectNodeAdapter({
    routes: (router) =>
      router.service(FlightService, {
        // deno-lint-ignore require-yield
        async *doAction({ type }, handler) {
          note(handler);
          if (type !== "info") throw new ConnectError("unknown action", Code.InvalidArgument);
        },
        getFlightInfo: (flightDescriptor, handler) => {
          note(handler);
          return {
            flightDescriptor,
            appMetadata: encodeJson({
              resource_locator: "s",
              created_at_ns: 1,
              // Fields that nobody knows are none of anybody's business.
              mood: "good",
              sessions: [{
                locator: "s:1",
                created_at_ns: 1,
                completed_at_ns: 2,
                locked: true,
                topics: ["s/a"],
              }],
            }),
            endpoint: [{
              ticket: { ticket: Uint8Array.of(1, 2, 3) },
              appMetadata: encodeJson({
                resource_locator: "s/a",
                created_at_ns: 1,
                locked: true,
                ontology_tag: "Value",
                serialization_format: "default",
                data_info: { interval: { start_ns: 0, end_ns: 10 }, total_bytes: 1, total_chunks_count: 1 },
              }),
            }],
          };
        },
        getSchema: (_, handler) => {
          note(handler);
          return { schema: encodeSchemaMessage({ fields: VALUE_FIELDS, metadata: new Map() }) };
        },
        async *doGet(_, handler) {
          note(handler);
          yield* parts;
          if (fails === "stall") {
            await new Promise((resolve) => handler.signal.addEventListener("abort", resolve));
          } else if (fails === "cut") {
            // What was sent is on its way first.
            await new Promise((resolve) => setTimeout(resolve, 20));
            for (const connection of connections) connection.destroy();
          } else if (fails) throw new ConnectError("no more", CODES[fails]);
        },
      }),
  }));
  http.on("session", (session) => connections.add(session));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  try {
    return await body(`grpc://127.0.0.1:${(http.address() as AddressInfo).port}`, headers);
  } finally {
    for (const connection of connections) connection.destroy();
    await new Promise((resolve) => http.close(resolve));
  }
}
