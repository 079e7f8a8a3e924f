/**
 * Opens the store and what is in it. The library is loaded here, so that `--help` does not wait for it.
 *
 * @module
 */
import type { Client } from "../client.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";

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
