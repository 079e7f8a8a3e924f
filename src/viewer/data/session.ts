/**
 * What a worker does for the page of one recording. It needs no worker: any port will do.
 *
 * @module
 */
import { type Client, type Connect, type SequenceEntry, SmaltiError } from "../../entry/slim.ts";
import { splitRecordingUrl } from "../app/url_state.ts";
import { answerActivity } from "./activity.ts";
import { answerAt } from "./at.ts";
import { toDataError } from "./data_error.ts";
import type { Player } from "./play.ts";
import type {
  DataError,
  FromWorker,
  ListEntry,
  OpenRequest,
  RecordingInfo,
  RequestKind,
  Requests,
  ToWorker,
  VerifyAnswer,
  VerifyRequest,
} from "./protocol.ts";
import { Recording } from "./recording.ts";
import { answerSeries } from "./series.ts";
import { transferablesOf } from "./transferables.ts";

/** What a session talks to: a worker's own scope, or a port. */
export interface SessionPort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  /** Of a port. */
  start?(): void;
  /** Ends the worker, or closes the port. */
  close(): void;
}

/** What a session is made with. */
export interface SessionOptions {
  /** Opens places with recordings. */
  readonly connect: Connect;
  /** Bytes of recordings that are kept at hand. @default 64 MiB */
  readonly maxCachedBytes?: number;
  /** How often it looks whether a followed recording has grown, in milliseconds; 0: when it is asked to. @default 1000 */
  readonly pollMs?: number;
  /** When the topics that nobody asked for are opened after an early answer, in milliseconds. @default 300 */
  readonly openLaterMs?: number;
}

interface Running {
  readonly key: string;
  readonly controller: AbortController;
  /** Of a playback. */
  player?: Player;
  /** Where the page's clock was last, as it said. */
  tickNs?: bigint;
}

/** What a request is answered with. */
interface Call<K extends RequestKind> {
  readonly request: Requests[K]["request"];
  readonly tell: (part: Requests[K]["part"]) => void;
  readonly signal: AbortSignal;
  readonly running: Running;
}

type Answers = { readonly [K in RequestKind]: (call: Call<K>) => Promise<Requests[K]["value"]> };

/** Answers the requests of one page over one port. */
export class Session {
  readonly #port: SessionPort;
  readonly #options: SessionOptions;
  readonly #running = new Map<number, Running>();
  /** The newest request of each panel and kind. */
  readonly #newest = new Map<string, number>();
  #recording: Recording | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(port: SessionPort, options: SessionOptions) {
    this.#port = port;
    this.#options = options;
    port.addEventListener("message", ({ data }) => this.#take(data as ToWorker));
    port.start?.();
  }

  // What is asked for later, if at all, is loaded then: it does not keep the first plot waiting.
  readonly #answers: Answers = {
    open: async ({ request, signal }) => await this.#open(request, signal),
    import: async ({ request, tell, signal }) => {
      const { importFiles } = await import("./import_files.ts");
      return await this.#use(await importFiles(this.#options.connect, request, tell, signal), signal);
    },
    list: async ({ request }) => await this.#list(request.url),
    series: ({ request, tell, signal }) => answerSeries(this.#opened, request, tell, signal),
    activity: ({ request, signal }) => answerActivity(this.#opened, request, signal),
    at: ({ request, signal }) => answerAt(this.#opened, request, signal),
    rows: async ({ request, signal }) => {
      const { answerRows } = await import("./rows.ts");
      return await answerRows(this.#opened, request, signal);
    },
    columns: async ({ request, signal }) => {
      const { answerColumns } = await import("./columns.ts");
      return await answerColumns(this.#opened, request, signal);
    },
    states: async ({ request, tell, signal }) => {
      const { answerStates } = await import("./states.ts");
      return await answerStates(this.#opened, request, tell, signal);
    },
    play: async ({ request, tell, signal, running }) => {
      const { Player } = await import("./play.ts");
      const player = running.player = new Player(this.#opened, request, tell, signal);
      player.tick(running.tickNs ?? request.fromNs);
      return await player.run();
    },
    find: async ({ request, tell, signal }) => {
      const { answerFind } = await import("./find.ts");
      return await answerFind(this.#opened, request, tell, signal);
    },
    stats: async ({ request, signal }) => {
      const { answerStats } = await import("./stats.ts");
      return await answerStats(this.#opened, request, signal);
    },
    export: async ({ request, tell, signal }) => {
      const { answerExport } = await import("./export_window.ts");
      return await answerExport(this.#opened, request, tell, signal);
    },
    transforms: async ({ request, signal }) => {
      const { answerTransforms } = await import("./transforms.ts");
      return await answerTransforms(this.#opened, request, signal);
    },
    verify: ({ request, tell, signal }) => verify(this.#opened, request, tell, signal),
    attachment: async ({ request: { index } }) => {
      const attachment = this.#opened.handler.attachments[index];
      if (!attachment) throw new SmaltiError("NOT_FOUND", `There is no attachment ${index}`);
      return { bytes: (await this.#opened.handler.readAttachment(attachment)).slice() };
    },
    look: async () => {
      await this.#look();
      return null;
    },
  };

  /** Gives everything up and lets go of it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { controller } of this.#running.values()) controller.abort();
    const recording = this.#recording;
    this.#recording = undefined;
    await recording?.close();
    this.#port.close();
  }

  get #opened(): Recording {
    if (this.#recording) return this.#recording;
    throw new SmaltiError("CLOSED", "No recording is open: wanted open or import first");
  }

  #take(message: ToWorker): void {
    switch (message.kind) {
      case "close":
        return void this.close();
      case "abort":
        return this.#running.get(message.id)?.controller.abort();
      case "tick": {
        const running = this.#running.get(message.id);
        if (!running) return;
        running.tickNs = message.ns;
        return running.player?.tick(message.ns);
      }
      default:
        return void this.#run(message.kind, message);
    }
  }

  async #run<K extends RequestKind>(
    kind: K,
    message: Omit<Extract<ToWorker, { panel: number }>, "kind">,
  ): Promise<void> {
    const { id, panel } = message;
    const key = `${kind} ${panel}`;
    const older = this.#newest.get(key);
    if (older !== undefined) this.#running.get(older)?.controller.abort();
    const controller = new AbortController();
    const { signal } = controller;
    const running: Running = { key, controller };
    this.#running.set(id, running);
    this.#newest.set(key, id);
    const tell = (part: Requests[K]["part"]) => {
      if (!signal.aborted) this.#post({ kind: "part", id, part });
    };
    try {
      if (this.#isClosed) throw new SmaltiError("CLOSED", "The recording was closed");
      if (!Object.hasOwn(this.#answers, kind)) {
        throw new SmaltiError("UNSUPPORTED", `There is no request ${kind}`);
      }
      const request = message.request as Requests[K]["request"];
      const value = await (this.#answers[kind] as Answers[K])({ request, tell, signal, running });
      // Nobody waits for it any more.
      if (signal.aborted) this.#end(id, { code: "ABORTED", message: "It was given up" });
      else this.#post({ kind: "end", id, result: { value } });
    } catch (reason) {
      this.#end(id, toDataError(reason, signal));
    } finally {
      this.#running.delete(id);
      if (this.#newest.get(key) === id) this.#newest.delete(key);
    }
  }

  #end(id: number, error: DataError): void {
    this.#post({ kind: "end", id, result: { error } });
  }

  #post(message: FromWorker): void {
    if (!this.#isClosed) this.#port.postMessage(message, transferablesOf(message));
  }

  async #connect(store: string): Promise<Client> {
    const { connect, maxCachedBytes = 64 * 2 ** 20 } = this.#options;
    return await connect(store, { maxCachedBytes });
  }

  async #open(
    { url, follow = true, early = false }: OpenRequest,
    signal: AbortSignal,
  ): Promise<RecordingInfo> {
    const parts = splitRecordingUrl(url);
    if (!parts) {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Cannot open ${JSON.stringify(url)}: wanted the URL of a store, "/" and a name`,
      );
    }
    const client = await this.#connect(parts.store);
    try {
      const recording = await Recording.open(client, { url, name: parts.name, follow, early });
      return await this.#use(recording, signal);
    } catch (reason) {
      await client.close();
      throw reason;
    }
  }

  /** Takes a recording in the place of the one before. */
  async #use(recording: Recording, signal: AbortSignal): Promise<RecordingInfo> {
    if (signal.aborted) {
      await recording.close();
      throw signal.reason;
    }
    const before = this.#recording;
    this.#recording = recording;
    await before?.close();
    this.#lookLater();
    const { info } = recording;
    if (info.topics.some(({ isOpen }) => !isOpen)) void this.#openLater(recording);
    return info;
  }

  /** Opens the topics that were not opened yet, after what the page asks for at once. */
  async #openLater(recording: Recording): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, this.#options.openLaterMs ?? 300));
    try {
      if (recording !== this.#recording) return;
      await recording.openAll();
      if (recording === this.#recording) this.#post({ kind: "changed", info: recording.info });
    } catch {
      // It was closed meanwhile: a topic that cannot be opened is told of in its place.
    }
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    const { pollMs = 1000 } = this.#options;
    if (pollMs === 0 || this.#isClosed || !this.#recording?.info.isLive) return;
    this.#timer = setTimeout(() => {
      // A server that is away for a while may come back.
      this.#look().catch(() => {}).finally(() => this.#lookLater());
    }, pollMs);
  }

  /** One look at a time: who asks while one is under way waits for the next. */
  async #look(): Promise<void> {
    await this.#looking?.catch(() => {});
    const recording = this.#opened;
    const looking = (async () => {
      if (await recording.look() && recording === this.#recording) {
        this.#post({ kind: "changed", info: recording.info });
      }
    })();
    this.#looking = looking;
    await looking;
  }

  async #list(url: string): Promise<ListEntry[]> {
    const client = await this.#connect(url);
    try {
      return (await client.listSequences({ details: true })).map(listEntry);
    } finally {
      await client.close();
    }
  }
}

function listEntry(entry: SequenceEntry): ListEntry {
  if (entry.error) {
    return {
      name: entry.name,
      state: "unreadable",
      error: toDataError(entry.error),
      rows: 0,
      bytes: 0,
      topics: 0,
    };
  }
  const { name, state } = entry;
  const topics = [...entry.topics, ...entry.live?.topics ?? []];
  const sum = (of: (topic: typeof topics[number]) => number) =>
    topics.reduce((sum, topic) => sum + of(topic), 0);
  const outermost = (
    of: (topic: typeof topics[number]) => bigint | undefined,
    isBeyond: (a: bigint, b: bigint) => boolean,
  ) =>
    topics.map(of).reduce(
      (a, b) => a === undefined || (b !== undefined && isBeyond(b, a)) ? b : a,
      undefined,
    );
  const firstNs = outermost(({ firstNs }) => firstNs, (a, b) => a < b);
  const lastNs = outermost(({ lastNs }) => lastNs, (a, b) => a > b);
  return {
    name,
    state,
    ...(firstNs !== undefined && { firstNs }),
    ...(lastNs !== undefined && { lastNs }),
    rows: sum(({ rowCount }) => rowCount),
    bytes: sum(({ sizeBytes }) => sizeBytes),
    topics: topics.length,
  };
}

async function verify(
  recording: Recording,
  { topics }: VerifyRequest,
  tell: (progress: Requests["verify"]["part"]) => void,
  signal: AbortSignal,
): Promise<VerifyAnswer> {
  const all = recording.info.topics.filter(({ name }) => topics === undefined || topics.includes(name));
  const total = all.reduce((sum, { rows }) => sum + rows, 0);
  const errors: DataError[] = [];
  let done = 0;
  for (const { name, rows } of all) {
    signal.throwIfAborted();
    const before = done;
    try {
      const handler = await recording.topic(name);
      const found = await handler.verify({ signal, onRows: (rows) => tell({ done: before + rows, total }) });
      errors.push(...found.map((error) => toDataError(error)));
    } catch (reason) {
      if (signal.aborted) throw reason;
      errors.push({ topic: name, ...toDataError(reason) });
    }
    tell({ done: done = before + rows, total });
  }
  return { errors };
}
