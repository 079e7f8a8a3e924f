/**
 * The page's side of a recording: asks its worker.
 *
 * @module
 */
import type {
  DataError,
  FrameAnswer,
  FromWorker,
  PlayRequest,
  RecordingInfo,
  RequestKind,
  Requests,
  Result,
  ToWorker,
} from "./protocol.ts";

/** What a worker, or a port, is to {@linkcode DataClient}. */
export interface Endpoint {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  addEventListener(type: "error" | "messageerror", listener: (event: Event) => void): void;
  /** Of a port. */
  start?(): void;
  /** Of a port. */
  close?(): void;
  /** Of a worker. */
  terminate?(): void;
}

/** Options of a request. */
export interface AskOptions<P> {
  /** Gives it up: it comes to an error `ABORTED`. */
  signal?: AbortSignal;
  /** Takes what comes while it runs; nothing after it was given up. */
  onPart?: (part: P) => void;
}

/** A playback that runs. */
export interface Playback {
  /** Says where the page's clock is: frames are answers to it. Call it once a frame. Times that go back begin anew from there. */
  tick(ns: bigint): void;
  /** Ends it; nothing comes after. */
  stop(): void;
  /** Why it ended by itself; without an error where it was stopped. */
  readonly ended: Promise<Result<null>>;
}

interface Pending {
  readonly kind: RequestKind;
  readonly panel: number;
  readonly onPart: ((part: never) => void) | undefined;
  readonly settle: (result: Result<never>) => void;
}

const SUPERSEDED: DataError = {
  code: "ABORTED",
  message: "A newer request of the same panel took its place",
};
const GIVEN_UP: DataError = { code: "ABORTED", message: "It was given up" };
const CLOSED: DataError = { code: "CLOSED", message: "The recording was closed" };

/**
 * Asks the worker of one recording. Answers are values, errors too: nothing here rejects. One request runs for each panel
 * and kind: a newer one gives the older up, which comes to an error with code `ABORTED` at once.
 *
 * Made over a `Worker` or a `MessagePort` on whose other side a session listens; the first request is `open` or `import`.
 */
export class DataClient {
  readonly #endpoint: Endpoint;
  readonly #pending = new Map<number, Pending>();
  readonly #newest = new Map<string, number>();
  readonly #listeners = new Set<(info: RecordingInfo) => void>();
  readonly #unavailable = new Set<() => void>();
  #nextId = 1;
  #nextPanel = 1;
  #info: RecordingInfo | undefined;
  #failure: DataError | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    endpoint.addEventListener("message", ({ data }) => this.#take(data as FromWorker));
    endpoint.addEventListener("error", (event) => this.#fail(event));
    endpoint.addEventListener("messageerror", (event) => this.#fail(event));
    endpoint.start?.();
  }

  /** The recording, as it is now; undefined until it was opened. */
  get info(): RecordingInfo | undefined {
    return this.#info;
  }

  /** A number that no other panel of this client has. */
  newPanel(): number {
    return this.#nextPanel++;
  }

  /**
   * Asks. The promise resolves when all answers came.
   *
   * @example
   * ```ts
   * import { DataClient, type Endpoint } from "../../../src/viewer/data/client.ts";
   *
   * async function draw(worker: Endpoint) {
   *   const client = new DataClient(worker);
   *   const { value: info, error } = await client.ask("open", 0, { url: "https://host/recordings/flight" });
   *   if (error) return console.log(error.message);
   *   const window = { fromNs: info.startNs, toNs: info.startNs + 60_000_000_000n };
   *   await client.ask("series", client.newPanel(), { lines: ["imu.acceleration.x"], ...window, pixels: 1200 }, {
   *     onPart: (answer) => console.log(answer.line, answer.shape),
   *   });
   * }
   * ```
   */
  ask<K extends RequestKind>(
    kind: K,
    panel: number,
    request: Requests[K]["request"],
    options: AskOptions<Requests[K]["part"]> = {},
  ): Promise<Result<Requests[K]["value"]>> {
    return this.#send(kind, panel, request, options).result;
  }

  /**
   * Plays from a moment on: at each tick `onFrame` is told what changed since the one before; nothing where nothing did. The worker
   * keeps a second ahead. The page's clock leads: when it pauses, stop ticking. A panel plays once at a time.
   */
  play(panel: number, request: PlayRequest, onFrame: (frame: FrameAnswer) => void): Playback {
    const controller = new AbortController();
    const { id, result } = this.#send("play", panel, request, { signal: controller.signal, onPart: onFrame });
    return {
      tick: (ns) => {
        if (this.#pending.has(id)) this.#post({ kind: "tick", id, ns });
      },
      stop: () => controller.abort(),
      ended: result.then((result) => result.error?.code === "ABORTED" ? { value: null } : result),
    };
  }

  /** Hears of a followed recording that has grown or ended. Returns what takes the listener off. */
  onChanged(listener: (info: RecordingInfo) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears that something did not come since its server gave no answer. Returns what takes the listener off. */
  onUnavailable(listener: () => void): () => void {
    this.#unavailable.add(listener);
    return () => this.#unavailable.delete(listener);
  }

  /** Ends the worker. What is pending comes to an error `CLOSED`. */
  close(): void {
    if (this.#failure !== CLOSED) this.#post({ kind: "close" });
    this.#endAll(CLOSED);
    this.#endpoint.terminate?.();
    this.#endpoint.close?.();
  }

  #send<K extends RequestKind>(
    kind: K,
    panel: number,
    request: Requests[K]["request"],
    { signal, onPart }: AskOptions<Requests[K]["part"]>,
  ): { id: number; result: Promise<Result<Requests[K]["value"]>> } {
    const id = this.#nextId++;
    if (this.#failure) return { id, result: Promise.resolve({ error: this.#failure }) };
    const key = `${kind} ${panel}`;
    const older = this.#newest.get(key);
    if (older !== undefined) this.#abort(older, SUPERSEDED);
    if (signal?.aborted) return { id, result: Promise.resolve({ error: GIVEN_UP }) };
    const onAbort = () => this.#abort(id, GIVEN_UP);
    const result = new Promise<Result<Requests[K]["value"]>>((resolve) => {
      const settle = (result: Result<never>) => {
        signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        if (this.#newest.get(key) === id) this.#newest.delete(key);
        resolve(result);
      };
      this.#pending.set(id, { kind, panel, onPart: onPart as Pending["onPart"], settle });
    });
    this.#newest.set(key, id);
    signal?.addEventListener("abort", onAbort);
    try {
      this.#post({ kind, id, panel, request } as ToWorker);
    } catch (reason) {
      const message = `Cannot ask the worker (${kind}): ${(reason as Error).message}`;
      this.#pending.get(id)!.settle({ error: { code: "INVALID_ARGUMENT", message } });
    }
    return { id, result };
  }

  #abort(id: number, error: DataError): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#post({ kind: "abort", id });
    pending.settle({ error });
  }

  #take(message: FromWorker): void {
    if (message.kind === "changed") {
      this.#info = message.info;
      for (const listener of [...this.#listeners]) listener(message.info);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return closeBitmaps(message);
    // Of a part that is a line of its own too.
    const { error } = (message.kind === "part" ? message.part : message.result) as { error?: DataError };
    if (error?.code === "UNAVAILABLE") { for (const listener of [...this.#unavailable]) listener(); }
    if (message.kind === "part") {
      pending.onPart?.(message.part as never);
      return;
    }
    if ((pending.kind === "open" || pending.kind === "import") && !message.result.error) {
      this.#info = message.result.value as RecordingInfo;
    }
    pending.settle(message.result as Result<never>);
  }

  #fail(event: Event): void {
    const text = (event as ErrorEvent).message || "a message could not be read";
    this.#endAll({ code: "INTERNAL", message: `The worker of the recording failed: ${text}` });
  }

  #endAll(error: DataError): void {
    this.#failure ??= error;
    if (error === CLOSED) this.#failure = CLOSED;
    for (const { settle } of [...this.#pending.values()]) settle({ error });
  }

  #post(message: ToWorker): void {
    this.#endpoint.postMessage(message);
  }
}

/** Lets go of pictures that nobody waits for any more: they hold memory that is collected late. */
function closeBitmaps(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (typeof ImageBitmap !== "undefined" && value instanceof ImageBitmap) return value.close();
  for (const part of Object.values(value)) closeBitmaps(part);
}
