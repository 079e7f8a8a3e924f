/// <reference lib="dom" />
/**
 * A page that nobody watches. Playwright listens to all requests of its pages: for that the renderer keeps what was answered, and
 * parses scripts once more to tell from which line each request came, which both would count as the viewer's.
 *
 * @module
 */
import type * as Playwright from "../../tests/packaging/node_modules/playwright-core/types/types.d.ts";

/** A page that runs what it is told to. */
export interface UnwatchedPage {
  /** Runs a function there, which may use nothing from around it, and gives what it, or its promise, comes to, as JSON has it. */
  evaluate<R, A>(run: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  close(): Promise<void>;
}

/** Opens a page in a profile of its own, with nothing kept. */
export async function openUnwatched(
  browser: Playwright.Browser,
  url: string,
  { width, height }: { width: number; height: number },
): Promise<UnwatchedPage> {
  const session = await browser.newBrowserCDPSession();
  const { browserContextId } = await session.send("Target.createBrowserContext");
  const { targetId } = await session.send("Target.createTarget", {
    url: "about:blank",
    browserContextId,
    width,
    height,
  });
  const { sessionId } = await session.send("Target.attachToTarget", { targetId, flatten: false });
  const waiting = new Map<number, (message: { result?: unknown; error?: { message: string } }) => void>();
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const answer = JSON.parse(message);
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let last = 0;
  const send = async (method: string, params: unknown): Promise<unknown> => {
    const id = ++last;
    const answered = new Promise<{ result?: unknown; error?: { message: string } }>((resolve) =>
      waiting.set(id, resolve)
    );
    await session.send("Target.sendMessageToTarget", {
      sessionId,
      message: JSON.stringify({ id, method, params }),
    });
    const { result, error } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  await send("Page.navigate", { url });
  return {
    async evaluate(run, argument) {
      const expression = `(${run})(${JSON.stringify(argument)})`;
      const { result, exceptionDetails } = await send("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
      }) as {
        result: { value: never };
        exceptionDetails?: { exception?: { description?: string } };
      };
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? "the page threw");
      return result.value;
    },
    async close() {
      await session.send("Target.closeTarget", { targetId });
      await session.send("Target.disposeBrowserContext", { browserContextId });
      await session.detach();
    },
  };
}
