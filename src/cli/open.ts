/**
 * Opens the store and what is in it. The library is loaded here, so that `--help` does not wait for it.
 *
 * @module
 */
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceInfo } from "../types.ts";

/** Runs `body` with a client, which is closed after it. */
export async function withClient<R>(store: string, body: (client: Client) => Promise<R>): Promise<R> {
  const { connect } = await import("../entry/main.ts");
  const client = await connect(store);
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** Runs `body` with an open sequence. */
export async function withSequence<R>(
  store: string,
  name: string,
  body: (handler: SequenceHandler) => Promise<R>,
  options: { follow?: boolean } = {},
): Promise<R> {
  return await withClient(store, async (client) => {
    return await body(await client.sequenceHandler(name, options));
  });
}

/** What a manifest tells, and the handler where the sequence can be read. */
export interface ReadInfo {
  info: SequenceInfo;
  handler?: SequenceHandler;
  /** Why it cannot be read: it is being recorded, or its writer has died. */
  locked?: SmaltiError;
}

/** What a sequence's manifest tells, whatever its state. NOT_FOUND, CORRUPT and others. */
export async function readInfo(client: Client, name: string): Promise<ReadInfo> {
  try {
    const handler = await client.sequenceHandler(name);
    return { info: handler.info, handler };
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || reason.code !== "LOCKED") throw reason;
    const info = await client.sequenceInfo(name);
    return { info, locked: reason };
  }
}
