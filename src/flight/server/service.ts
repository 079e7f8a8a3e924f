/**
 * The RPCs: who may call them, what they do, and how what they throw becomes a status.
 *
 * @module
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import type { Backend } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import { excerpt } from "../../util/excerpt.ts";
import { giveBytes } from "../../util/buffer_pool.ts";
import { dataFrame, decodeData, messageFrame, type ReceivedData } from "../data_frames.ts";
import {
  ActionSchema,
  CriteriaSchema,
  FlightDescriptorSchema,
  FlightInfoSchema,
  FlightService,
  ResultSchema,
  SchemaResultSchema,
  TicketSchema,
} from "../generated/flight_pb.ts";
import { API_KEY_HEADER, AS_STORED_HEADER } from "../protocol.ts";
import { goneAway, toStatus } from "../status.ts";
import { type ActionContext, actionPermission, runAction } from "./actions.ts";
import type { Authorize, Permission } from "./api_keys.ts";
import { ByteBudget } from "./byte_budget.ts";
import type { CallRecord } from "./call_record.ts";
import { getTopic, MAX_ROWS } from "./get.ts";
import { type CallContext, type DataLimits, grpcHandler } from "./grpc_handler.ts";
import { flightInfo, listFlights, topicSchema } from "./info.ts";
import { type PutContext, putTopic } from "./put.ts";

/** What the service needs beside what actions do. */
export interface ServiceContext extends ActionContext, DataLimits, PutContext {
  readonly backend: Backend;
  /** Bytes of uploads' messages that are held at a time. */
  readonly budget: ByteBudget;
  readonly authorize: Authorize;
  /** Hears of every call that has ended. */
  readonly onCall: (record: CallRecord) => void;
}

/** Bytes of a message but for those of uploads. */
const MAX_REQUEST_BYTES = 4 * 2 ** 20;
/** Bytes of all large ones of these that are held at a time. */
const REQUEST_BUDGET_BYTES = 2 * MAX_REQUEST_BYTES;

/** What answers, by path. */
export function serviceHandlers(context: ServiceContext): ReadonlyMap<string, UniversalHandlerFn> {
  const { backend, sessions, maxMessageBytes, budget } = context;
  const single = {
    maxBytes: Math.min(maxMessageBytes, MAX_REQUEST_BYTES),
    budget: new ByteBudget(REQUEST_BUDGET_BYTES),
    isSingle: true,
  };
  /** An RPC with one request. */
  const rpc = <I extends DescMessage>(
    name: string,
    request: I,
    run: (request: MessageShape<I>, call: OpenCall) => AsyncIterable<Uint8Array>,
    permission: Permission | undefined = "read",
  ) =>
    grpcHandler(
      context,
      single,
      (requests, handler) =>
        stream(context, name, handler, permission, async function* (call) {
          const message = await only(requests);
          try {
            yield* run(parse(request, message), call);
          } finally {
            giveBytes(message);
          }
        }),
    );
  const handlers: Record<string, UniversalHandlerFn> = {
    ListFlights: rpc("ListFlights", CriteriaSchema, async function* ({ expression }) {
      for await (const info of listFlights(backend, expression)) yield frameOf(FlightInfoSchema, info);
    }),
    GetFlightInfo: rpc("GetFlightInfo", FlightDescriptorSchema, async function* (descriptor) {
      yield frameOf(FlightInfoSchema, await flightInfo(backend, sessions, descriptor));
    }),
    GetSchema: rpc("GetSchema", FlightDescriptorSchema, async function* (descriptor) {
      yield frameOf(SchemaResultSchema, { schema: await topicSchema(backend, descriptor) });
    }),
    DoGet: rpc("DoGet", TicketSchema, async function* ({ ticket }, { requestHeader, signal }) {
      const maxRows = requestHeader.has(AS_STORED_HEADER) ? Infinity : MAX_ROWS;
      for await (const parts of getTopic(backend, ticket, maxRows, signal)) yield* dataFrame(parts);
    }),
    // Which permission an action takes is known once its name is: before that, a key has to be valid.
    DoAction: rpc("DoAction", ActionSchema, async function* ({ type, body }, call) {
      call.name = `DoAction ${excerpt(type)}`;
      allow(context, call, actionPermission(type));
      for await (const result of runAction(context, type, body, call.signal)) {
        yield frameOf(ResultSchema, { body: result });
      }
    }, undefined),
    DoPut: grpcHandler(
      context,
      { maxBytes: maxMessageBytes, budget, isSingle: false },
      (requests, handler) =>
        // deno-lint-ignore require-yield -- no PutResult is ever sent, and the call is a stream all the same
        stream(context, "DoPut", handler, "write", async function* ({ signal }): AsyncGenerator<Uint8Array> {
          await putTopic(received(requests), context, signal);
        }),
    ),
  };
  return new Map(FlightService.methods.map(({ name }) => [
    `/${FlightService.typeName}/${name}`,
    handlers[name] ?? grpcHandler(context, single, () => unserved(name)),
  ]));
}

// deno-lint-ignore require-yield -- an answer all the same
async function* unserved(name: string): AsyncGenerator<Uint8Array> {
  throw new ConnectError(`${name} is not served`, Code.Unimplemented);
}

function frameOf<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array {
  return messageFrame(toBinary(schema, create(schema, message)));
}

/** The one message of a call. INVALID_ARGUMENT. */
async function only(requests: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let message: Uint8Array | undefined;
  // To the end: a request that is left before is taken for a call that was cancelled.
  for await (const request of requests) {
    if (message) throw new SmaltiError("INVALID_ARGUMENT", "The call has several requests: wanted one");
    message = request;
  }
  if (message) return message;
  throw new SmaltiError("INVALID_ARGUMENT", "The call has no request: wanted one");
}

/** A message of a kind, with views on the bytes. INVALID_ARGUMENT. */
function parse<D extends DescMessage>(schema: D, message: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, message);
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", `The request is no ${schema.name}`, { cause });
  }
}

async function* received(requests: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedData> {
  for await (const request of requests) yield decodeData(request);
}

/** A call in progress. */
interface OpenCall extends CallContext {
  /** For its record and its errors. */
  name: string;
}

async function* stream<T>(
  context: ServiceContext,
  name: string,
  { requestHeader, signal }: CallContext,
  permission: Permission | undefined,
  body: (call: OpenCall) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const call: OpenCall = { name, requestHeader, signal };
  const end = begin(context, call);
  const items = body(call)[Symbol.asyncIterator]();
  // Where a client stops reading some runtimes never come back to a `yield`: what is held is let go of here.
  const leave = () => {
    end(goneAway());
    items.return?.().catch(() => {});
  };
  try {
    allow(context, call, permission);
    signal.addEventListener("abort", leave);
    for await (const item of { [Symbol.asyncIterator]: () => items }) yield item;
    end();
  } catch (reason) {
    throw end(reason);
  } finally {
    // Where it is left at a `yield`; else it has ended before.
    end(goneAway());
    signal.removeEventListener("abort", leave);
  }
}

function allow(context: ServiceContext, call: OpenCall, permission: Permission | undefined): void {
  context.authorize(call.requestHeader.get(API_KEY_HEADER), permission, call.name);
}

/** Starts a call's record. The function ends it, the first time, and gives what to throw. */
function begin({ backend, onCall, onError }: ServiceContext, call: OpenCall): (reason?: unknown) => unknown {
  const start = performance.now();
  let hasEnded = false;
  return (reason) => {
    const status = reason === undefined ? undefined : toStatus(reason, backend.storeUrl);
    if (hasEnded) return status;
    hasEnded = true;
    if (status && isOurs(reason, status.code)) onError(reason);
    onCall({
      call: call.name,
      status: status ? statusName(status.code) : "ok",
      ...(status && { message: status.rawMessage }),
      durationMs: performance.now() - start,
    });
    return status;
  };
}

/** Whether the server failed, not the caller. */
function isOurs(reason: unknown, status: Code): boolean {
  if (status === Code.Internal || status === Code.DataLoss) return true;
  // The disk is full, or not to be written to: API keys have no files.
  return reason instanceof SmaltiError &&
    (reason.code === "NO_SPACE" ||
      (reason.code === "PERMISSION_DENIED" && reason.details.file !== undefined));
}

function statusName(code: Code): string {
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
}
