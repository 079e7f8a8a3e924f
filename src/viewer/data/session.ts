/**
 * What a worker does for the page of one recording. It needs no worker: any port will do.
 *
 * @module
 */
import { type Client, type Connect, SmaltiError } from "../../entry/web.ts";
import { splitRecordingUrl } from "../app/url_state.ts";
import { answerActivity } from "./activity.ts";
import { answerAt } from "./at.ts";
import { toDataError } from "./data_error.ts";
import type { Player } from "./play.ts";
import type {
  DataError,
  FromWorker,
  OpenRequest,
  RecordingInfo,
  RequestKind,
  Requests,
  ToWorker,
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
  /** Opens places with recordings; what is told of one sequence may be on its way then. */
  readonly connect: (...place: [...Parameters<Connect>, sequence?: string]) => ReturnType<Connect>;
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
  /** Where the page's clock was before there was a player. */
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

  /** What the first plot needs is here; the rest is loaded when it is asked for. */
  readonly #answers: Answers = {
    open: async ({ request, signal }) => await this.#open(request, signal),
    import: async ({ request, tell, signal }) => {
      const { importFiles } = await import("./import_files.ts");
      return await this.#use(await importFiles(this.#options.connect, request, tell, signal), signal);
    },
    list: async ({ request }) => {
      const { listRecordings } = await import("./list.ts");
      return await listRecordings(await this.#connect(request.url));
    },
    series: ({ request, tell, signal }) => answerSeries(this.#opened, request, tell, signal),
    activity: ({ request, signal }) => answerActivity(this.#opened, request, signal),
    at: ({ request, signal }) => answerAt(this.#opened, request, signal),
    rows: async ({ request, signal }) => {
      const recording = this.#opened;
      const { answerRows } = await import("./rows.ts");
      return await answerRows(recording, request, signal);
    },
    columns: async ({ request, signal }) => {
      const recording = this.#opened;
      const { answerColumns } = await import("./columns.ts");
      return await answerColumns(recording, request, signal);
    },
    states: async ({ request, tell, signal }) => {
      const recording = this.#opened;
      const { answerStates } = await import("./states.ts");
      return await answerStates(recording, request, tell, signal);
    },
    play: async ({ request, tell, signal, running }) => {
      const recording = this.#opened;
      const { Player } = await import("./play.ts");
      const player = running.player = new Player(recording, request, tell, signal);
      player.tick(running.tickNs ?? request.fromNs);
      return await player.run();
    },
    find: async ({ request, tell, signal }) => {
      const recording = this.#opened;
      const { answerFind } = await import("./find.ts");
      return await answerFind(recording, request, tell, signal);
    },
    stats: async ({ request, signal }) => {
      const recording = this.#opened;
      const { answerStats } = await import("./stats.ts");
      return await answerStats(recording, request, signal);
    },
    export: async ({ request, tell, signal }) => {
      const recording = this.#opened;
      const { answerExport } = await import("./export_window.ts");
      return await answerExport(recording, request, tell, signal);
    },
    transforms: async ({ request, signal }) => {
      const recording = this.#opened;
      const { answerTransforms } = await import("./transforms.ts");
      return await answerTransforms(recording, request, signal);
    },
    verify: async ({ request, tell, signal }) => {
      const recording = this.#opened;
      const { answerVerify } = await import("./verify.ts");
      return await answerVerify(recording, request, tell, signal);
    },
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
      case "tick":
        return this.#tick(message);
      default:
        return void this.#run(message.kind, message);
    }
  }

  #tick({ id, ns }: Extract<ToWorker, { kind: "tick" }>): void {
    const running = this.#running.get(id);
    if (running?.player) running.player.tick(ns);
    else if (running) running.tickNs = ns;
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

  async #connect(store: string, sequence?: string): Promise<Client> {
    const { connect, maxCachedBytes = 64 * 2 ** 20 } = this.#options;
    return await connect(store, { maxCachedBytes }, sequence);
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
    const client = await this.#connect(parts.store, parts.name);
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
}
