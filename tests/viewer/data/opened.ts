/**
 * A session and its client over a pair of ports, as a page and its worker are.
 *
 * @module
 */
import { expect } from "vitest";
import { type Client, connect } from "../../../src/entry/browser.ts";
import { DataClient, type Endpoint } from "../../../src/viewer/data/client.ts";
import type { RecordingInfo, Result } from "../../../src/viewer/data/protocol.ts";
import { Session, type SessionPort } from "../../../src/viewer/data/session.ts";

/** A recording that is open on the page's side. */
export interface Opened extends AsyncDisposable {
  readonly client: DataClient;
  readonly info: RecordingInfo;
  readonly session: Session;
}

/** A client over a session that finds its recordings in a client of the library's, which stays open. */
export function pair(
  library: Client,
): { client: DataClient; session: Session; close: () => Promise<void> } {
  const { port1, port2 } = new MessageChannel();
  const shared = new Proxy(library, {
    get: (target, key) => {
      if (key === "close") return () => Promise.resolve();
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const session = new Session(port2 as unknown as SessionPort, {
    connect: (place, options) => place === "memory:" ? connect(place, options) : Promise.resolve(shared),
    pollMs: 0,
  });
  const client = new DataClient(port1 as unknown as Endpoint);
  return {
    client,
    session,
    close: async () => {
      client.close();
      await session.close();
    },
  };
}

/** Opens a recording of a client of the library's. */
export async function open(library: Client, name: string): Promise<Opened> {
  const { client, session, close } = pair(library);
  const info = valueOf(await client.ask("open", 0, { url: `test/${name}` }));
  return { client, info, session, [Symbol.asyncDispose]: close };
}

/** What a request came to; the test fails where it came to an error. */
export function valueOf<T>(result: Result<T>): T {
  expect(result.error).toBe(undefined);
  return result.value as T;
}
