import { cutColumns } from "../../arrow/batching.ts";
import type { Columns } from "../../arrow/columns.ts";
import { encodeBatch, encodeSchemaMessage } from "../../arrow/encode.ts";
import type { SequenceSink, TopicSink } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import { giveBytes, takeBytes } from "../../util/buffer_pool.ts";
import type { SequenceInfo, SessionInfo, TopicSchema } from "../../types.ts";
import { toFlight } from "../ipc.ts";
import type { WireObject } from "../json.ts";
import { locatorOf, sessionIdOf } from "../locator.ts";
import { fromStatus } from "../status.ts";
import type { Calls, Upload } from "./calls.ts";

/** How long a server may take to end an upload that is given up. */
const GRACE_MS = 5000;

/** A session on a server. */
export interface RemoteSession {
  readonly sequence: string;
  /** The token that writes to it. */
  readonly uuid: string;
  /** `sequence:id`. */
  readonly locator: string;
  /** Whether the sequence was made for it. */
  readonly isFirst: boolean;
}

/** Writes one session on a server: an upload stream for each topic. */
export class FlightSink implements SequenceSink {
  readonly #calls: Calls;
  readonly #session: RemoteSession;
  readonly #maxBytes: number;
  readonly #readInfo: () => Promise<SequenceInfo>;
  readonly #topics = new Map<string, TopicUpload>();
  readonly session: Pick<SessionInfo, "id" | "created">;

  /** @param maxBytes Bytes of a message at most. */
  constructor(calls: Calls, session: RemoteSession, maxBytes: number, readInfo: () => Promise<SequenceInfo>) {
    this.#calls = calls;
    this.#session = session;
    this.#maxBytes = maxBytes;
    this.#readInfo = readInfo;
    this.session = { id: sessionIdOf(session.locator), created: new Date() };
  }

  async createTopic(name: string, schema: TopicSchema): Promise<TopicSink> {
    const { sequence, uuid } = this.#session;
    const what = `Cannot create topic "${name}" of sequence "${sequence}"`;
    const locator = locatorOf(sequence, name);
    const created = await this.#calls.action("topic_create", {
      session_uuid: uuid,
      locator,
      serialization_format: schema.serializationFormat,
      ontology_tag: schema.ontologyTag,
      user_metadata: schema.metadata as WireObject,
    }, what).catch((reason) => {
      throw (reason as SmaltiError).at({ sequence, topic: name });
    });
    if (typeof created?.uuid !== "string") {
      throw new SmaltiError("CORRUPT", `${what}: the server gave no uuid`, { sequence, topic: name });
    }
    const command = { resource_locator: locator, topic_uuid: created.uuid };
    const upload = new TopicUpload(this.#calls, sequence, name, {
      schema,
      command,
      maxBytes: this.#maxBytes,
    });
    this.#topics.set(name, upload);
    return upload;
  }

  attach(): Promise<void> {
    return Promise.reject(this.#unsupported("attach files to"));
  }

  addMetadata(): void {
    throw this.#unsupported("add metadata to");
  }

  /** A server has no followers. */
  checkpoint(): Promise<void> {
    return Promise.resolve();
  }

  async finalize(): Promise<SequenceInfo> {
    const { sequence, uuid } = this.#session;
    await Promise.all([...this.#topics.values()].map((topic) => topic.end()));
    await this.#act("session_finalize", { session_uuid: uuid }, `Cannot finalize sequence "${sequence}"`);
    return await this.#readInfo();
  }

  /** As the Python client does it: says why, ends the uploads, then finalizes or deletes. */
  async abort(policy: "delete" | "report", reason: string): Promise<void> {
    const { sequence, uuid, locator, isFirst } = this.#session;
    const what = `Cannot abort sequence "${sequence}"`;
    const act = (name: string, body: WireObject) => this.#act(name, body, what);
    const note = (of: "topic" | "sequence", locator: string) =>
      act(`${of}_notification_create`, { locator, notification_type: "error", msg: reason }).catch(() => {});
    for (const [name, topic] of this.#topics) {
      await note("topic", locatorOf(sequence, name));
      await topic.giveUp();
    }
    if (policy === "report") {
      await note("sequence", sequence);
      await act("session_finalize", { session_uuid: uuid });
      return;
    }
    await act("session_delete", { locator });
    if (isFirst) await act("sequence_delete", { locator: sequence });
  }

  async #act(name: string, body: WireObject, what: string): Promise<void> {
    await this.#calls.action(name, body, what).catch((reason) => {
      throw (reason as SmaltiError).at({ sequence: this.#session.sequence });
    });
  }

  #unsupported(verb: string): SmaltiError {
    const { sequence } = this.#session;
    return new SmaltiError("UNSUPPORTED", `Cannot ${verb} sequence "${sequence}": a server takes none`, {
      sequence,
    });
  }
}

/** What a topic's upload begins with. */
interface UploadStart {
  readonly schema: TopicSchema;
  /** Of the first message's descriptor. */
  readonly command: WireObject;
  readonly maxBytes: number;
}

/** One topic's upload. */
class TopicUpload implements TopicSink {
  readonly #sequence: string;
  readonly #name: string;
  readonly #start: UploadStart;
  /** Messages that the transport has not yet asked for, and who waits for that. */
  readonly #queue: { message: Uint8Array; taken: () => void; failed: (reason: unknown) => void }[] = [];
  #wake = () => {};
  #ending = false;
  #failure: SmaltiError | undefined;
  readonly #done: Promise<void>;
  readonly #stop = new AbortController();

  constructor(calls: Calls, sequence: string, name: string, start: UploadStart) {
    this.#sequence = sequence;
    this.#name = name;
    this.#start = start;
    this.#done = calls.upload(this.#messages(), this.#stop.signal).then(() => {
      // A server that ends before we do has not taken the rest.
      if (!this.#ending) throw new SmaltiError("ABORTED", "the server ended the upload");
    }).catch((reason) => this.#fail(reason));
    this.#done.catch(() => {}); // whoever writes or ends it is told
  }

  async write(columns: Columns): Promise<void> {
    if (this.#failure) throw this.#failure;
    await Promise.all(
      this.#messagesOf(columns).map((message) => {
        return new Promise<void>((taken, failed) => {
          this.#queue.push({ message, taken, failed });
          this.#wake();
        });
      }),
    );
  }

  /** What has been taken can be durable only when the session is finalized. */
  sync(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends the stream, and waits until the server has stored it. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#wake();
    await this.#done;
  }

  /** Ends the stream as well as the server lets it, and waits no longer than that may take. */
  async giveUp(): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), GRACE_MS);
    await this.end().catch(() => {});
    clearTimeout(timer);
  }

  async *#messages(): AsyncGenerator<Upload> {
    const { schema: { fields }, command } = this.#start;
    yield { ...toFlight(encodeSchemaMessage({ fields, metadata: new Map() })), command };
    for (;;) {
      const next = this.#queue.at(0);
      if (next) {
        yield toFlight(next.message);
        giveBytes(next.message);
        // Here at last, since what fails before has to tell its writer too.
        this.#queue.shift();
        next.taken();
      } else if (this.#ending) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** A batch as messages of a size that the server takes. TOO_LARGE where one row has more. */
  #messagesOf(columns: Columns): Uint8Array[] {
    const { schema: { fields }, maxBytes } = this.#start;
    const { rows } = columns;
    const message = encodeBatch(columns, { allocate: takeBytes });
    if (message.length <= maxBytes) return [message];
    if (rows === 1) {
      throw new SmaltiError(
        "TOO_LARGE",
        `Cannot send a message of ${message.length} bytes to topic "${this.#name}" of sequence ` +
          `"${this.#sequence}": the server takes ${maxBytes}`,
        { sequence: this.#sequence, topic: this.#name },
      );
    }
    return [...cutColumns(fields, columns, Math.ceil(rows / 2))].flatMap((half) => this.#messagesOf(half));
  }

  #fail(reason: unknown): never {
    const what = `Cannot write topic "${this.#name}" of sequence "${this.#sequence}"`;
    this.#failure = fromStatus(reason, what).at({ sequence: this.#sequence, topic: this.#name });
    for (const { failed } of this.#queue.splice(0)) failed(this.#failure);
    this.#ending = true;
    this.#wake();
    throw this.#failure;
  }
}
