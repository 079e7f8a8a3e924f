/**
 * The RPCs: who may call them, what they do, and how what they throw becomes a status.
 *
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { SmaltiError } from "../../error.ts";
import { dataFrame, decodeData, type ReceivedData } from "../data_frames.ts";
import { FlightService, TicketSchema } from "../generated/flight_pb.ts";
import { API_KEY_HEADER, AS_STORED_HEADER } from "../protocol.ts";
import { goneAway, toStatus } from "../status.ts";
import { type ActionContext, actionPermission, runAction } from "./actions.ts";
import type { Authorize, Permission } from "./api_keys.ts";
import { type CallContext, dataHandler, type DataLimits } from "./data_handler.ts";
import { getTopic, MAX_ROWS } from "./get.ts";
import { flightInfo, listFlights, topicSchema } from "./info.ts";
import { putTopic } from "./put.ts";

/** One call that has ended. */
export interface CallRecord {
  /** Name of the RPC, and of the action where it is DoAction. */
  readonly call: string;
  /** The status' name: `ok`, or as in gRPC, such as `not_found`. */
  readonly status: string;
  /** What the caller was told, where it failed. */
  readonly message?: string;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

/** What the service needs beside what actions do. */
export interface ServiceContext extends ActionContext, DataLimits {
  readonly authorize: Authorize;
  /** Hears of every call that has ended. */
  readonly onCall: (record: CallRecord) => void;
}

/** Adds the service but for the data handlers; RPCs that neither has are answered as unimplemented. */
export function addService(router: ConnectRouter, context: ServiceContext): void {
  const { backend, sessions } = context;
  const unary = async <T>(call: string, handler: CallContext, body: () => Promise<T>): Promise<T> => {
    const end = begin(context, call);
    try {
      allow(context, handler, "read", call);
      const result = await body();
      end();
      return result;
    } catch (reason) {
      throw end(reason);
    }
  };
  router.service(FlightService, {
    listFlights: ({ expression }, handler) =>
      stream(context, "ListFlights", handler, "read", () => listFlights(backend, expression)),
    getFlightInfo: (descriptor, handler) =>
      unary("GetFlightInfo", handler, () => flightInfo(backend, sessions, descriptor)),
    getSchema: (descriptor, handler) =>
      unary("GetSchema", handler, async () => ({ schema: await topicSchema(backend, descriptor) })),
    doAction: ({ type, body }, handler) =>
      stream(context, `DoAction ${type}`, handler, actionPermission(type), async function* () {
        for await (const result of runAction(context, type, body, handler.signal)) yield { body: result };
      }),
  });
}

/** DoGet and DoPut by their paths. */
export function dataHandlers(context: ServiceContext): Map<string, UniversalHandlerFn> {
  const { backend, sessions } = context;
  const doGet = dataHandler(
    context,
    (requests, call) =>
      stream(context, "DoGet", call, "read", async function* () {
        const maxRows = call.requestHeader.has(AS_STORED_HEADER) ? Infinity : MAX_ROWS;
        for await (const parts of getTopic(backend, await ticketOf(requests), maxRows, call.signal)) {
          yield* dataFrame(parts);
        }
      }),
  );
  const doPut = dataHandler(context, (requests, call) =>
    stream(
      context,
      "DoPut",
      call,
      "write",
      // deno-lint-ignore require-yield -- no PutResult is ever sent, and the call is a stream all the same
      async function* (): AsyncGenerator<Uint8Array> {
        await putTopic(received(requests), sessions, backend.engine);
      },
    ));
  const path = `/${FlightService.typeName}`;
  return new Map([[`${path}/DoGet`, doGet], [`${path}/DoPut`, doPut]]);
}

async function ticketOf(requests: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let ticket: Uint8Array | undefined;
  // To the end: a request that is left before is taken for a call that was cancelled.
  for await (const request of requests) ticket ??= fromBinary(TicketSchema, request).ticket;
  if (ticket) return ticket;
  throw new SmaltiError("INVALID_ARGUMENT", "The call has no ticket");
}

async function* received(requests: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedData> {
  for await (const request of requests) yield decodeData(request);
}

async function* stream<T>(
  context: ServiceContext,
  call: string,
  handler: CallContext,
  permission: Permission | undefined,
  body: () => AsyncIterable<T>,
): AsyncGenerator<T> {
  const end = begin(context, call);
  const items = body()[Symbol.asyncIterator]();
  // Where a client stops reading some runtimes never come back to a `yield`: what is held is let go of here.
  const leave = () => {
    end(goneAway());
    items.return?.().catch(() => {});
  };
  try {
    allow(context, handler, permission, call);
    handler.signal.addEventListener("abort", leave);
    for await (const item of { [Symbol.asyncIterator]: () => items }) yield item;
    end();
  } catch (reason) {
    throw end(reason);
  } finally {
    handler.signal.removeEventListener("abort", leave);
  }
}

function allow(
  context: ServiceContext,
  handler: CallContext,
  permission: Permission | undefined,
  call: string,
): void {
  context.authorize(handler.requestHeader.get(API_KEY_HEADER), permission, call);
}

/** Starts a call's record. The function ends it, the first time, and gives what to throw. */
function begin({ onCall, onError }: ServiceContext, call: string): (reason?: unknown) => unknown {
  const start = performance.now();
  let hasEnded = false;
  return (reason) => {
    const status = reason === undefined ? undefined : toStatus(reason);
    if (hasEnded) return status;
    hasEnded = true;
    if (status?.code === Code.Internal || status?.code === Code.DataLoss) onError(reason);
    onCall({
      call,
      status: status ? statusName(status.code) : "ok",
      ...(status && { message: status.rawMessage }),
      durationMs: performance.now() - start,
    });
    return status;
  };
}

function statusName(code: Code): string {
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
}
