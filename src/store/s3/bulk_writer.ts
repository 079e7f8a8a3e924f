/**
 * Sends what files have gathered to the bucket while more comes, so that memory does not grow with them. The pieces of a file
 * become parts of an upload to its own key: that is all it takes where nothing is flushed before the file has ended. Once
 * something of it is to be durable before, they become objects beside the log, which speaks of them.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { giveBytes } from "../../util/buffer_pool.ts";
import { mapLimited } from "../../util/map_limited.ts";
import { Slots } from "../../util/slots.ts";
import type { Bucket } from "./bucket.ts";
import { PendingFile } from "./pending_file.ts";
import { BULK_BYTES, endUpload, putInPlace, type StoredObject } from "./put_in_place.ts";

/** Pieces of all files on their way at a time. */
const PIECES_AT_ONCE = 4;
/** Bytes that all files hold in memory though the log has them, and before it has any of theirs. */
const [MOST_LOGGED, MOST_UNLOGGED] = [16 * 2 ** 20, 32 * 2 ** 20];
const SPILLS_AT_ONCE = 4;

/** What is under way with a file. */
class Sending {
  /** Whether its pieces go to an upload to its own key. */
  isUploaded: boolean;
  /** Whether any piece does, or has: it may still wait for its turn. */
  hasParts = false;
  /** Whether its upload is being ended for good, or was: what was added after that would have no place. */
  isEnded = false;
  /** The upload, once it is begun. */
  begun: Promise<void> | undefined;
  #failure: SmaltiError | undefined;
  #count = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(isUploaded: boolean) {
    this.isUploaded = isUploaded;
  }

  get isIdle(): boolean {
    return this.#count === 0;
  }

  /**
   * Does something once all that came before is done; fails where a piece has.
   *
   * @param sent What has to end before too, whether anything has failed or not.
   */
  async inOrder<R>(action: () => Promise<R>, sent?: Promise<unknown>): Promise<R> {
    this.#count++;
    const done = this.#last.then(() => sent).then(() => {
      this.check();
      return action();
    });
    this.#last = done.then(() => {}, () => {}).finally(() => this.#count--);
    return await done;
  }

  /** Has all fail from now on, as a piece did. */
  fail(reason: unknown): void {
    this.#failure ??= SmaltiError.from(reason, "IO");
  }

  /** Fails where it has failed. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when all that came before is done, well or not. */
  async settled(): Promise<void> {
    await this.#last;
  }
}

/** See the module. */
export class BulkWriter {
  /** Keys of what it made beside the log. */
  readonly keys: string[] = [];
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #tell: (file: PendingFile, key: string, length: number) => void;
  readonly #confirm: () => Promise<void>;
  readonly #sending = new Map<PendingFile, Sending>();
  readonly #pieces = new Slots(PIECES_AT_ONCE);
  #spilling: Promise<void> | undefined;
  /** Uploads that are being given up. */
  readonly #givenUp = new Set<Promise<void>>();

  /**
   * @param prefix In front of each path.
   * @param folder What keys beside the log begin with.
   * @param tell Has the log say that the bytes of a file up to a length are in an object, from the end of the one before on.
   * @param confirm Makes sure that nobody has taken over.
   */
  constructor(
    bucket: Bucket,
    prefix: string,
    folder: string,
    tell: (file: PendingFile, key: string, length: number) => void,
    confirm: () => Promise<void>,
  ) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#folder = folder;
    this.#tell = tell;
    this.#confirm = confirm;
  }

  /** Adds a copy of bytes to a file. Waits while more is on its way than may be; fails once a piece has. */
  async append(file: PendingFile, bytes: Uint8Array): Promise<void> {
    const sending = this.#of(file);
    sending.check();
    if (sending.isEnded) {
      const text = `Cannot add to ${file.path}: it is put in place, or moved`;
      throw new SmaltiError("IO", text, { file: file.path });
    }
    file.append(bytes);
    for (let start: number | undefined; (start = file.nextPiece()) !== undefined;) {
      await this.#send(file, sending, start);
      sending.check();
    }
  }

  /** Sends a piece; resolves when it is on its way. */
  #send(file: PendingFile, sending: Sending, start: number): Promise<void> {
    const send = sending.isUploaded ? this.#upload : this.#createBulk;
    if (sending.isUploaded) sending.hasParts = true;
    return new Promise((resolve) => {
      const sent = this.#pieces.take(async () => {
        resolve();
        sending.check();
        return await send.call(this, file, sending, start);
      });
      // At once, also where one before it is still under way: no more is taken then.
      sent.catch((reason) => sending.fail(reason));
      void sending.inOrder(async () => {
        const place = await sent;
        if (this.#sending.has(file)) place();
      }, sent).catch(() => {});
    });
  }

  /** Uploads a piece as a part. Gives what has the file know of it. */
  async #upload(file: PendingFile, sending: Sending, start: number): Promise<() => void> {
    await (sending.begun ??= this.#beginUpload(file));
    const [key, { upload }, number] = [this.#keyOf(file), file.upload!, start / BULK_BYTES + 1];
    const size = Math.min(BULK_BYTES, file.size - start);
    const part = await file.lend(
      start,
      size,
      (bytes) => this.#bucket.uploads.sendPart(key, upload, number, bytes),
    );
    return () => {
      const bytes = file.bytesAt(start);
      file.place(start, { size, part });
      if (bytes) giveBytes(bytes); // nobody else has them: the log speaks of nothing in the file yet
    };
  }

  async #beginUpload(file: PendingFile): Promise<void> {
    const id = crypto.randomUUID();
    const upload = await this.#bucket.uploads.begin(this.#keyOf(file), { id });
    file.upload = { upload, id, end: async () => await this.readable(file, BULK_BYTES) };
  }

  /** Makes an object of a piece, or of what was not spilled of it. Gives what has the file and the log know of it. */
  async #createBulk(file: PendingFile, _: Sending, start: number): Promise<() => void> {
    await file.spilled();
    const made: [offset: number, object: StoredObject][] = [];
    for (const [offset, piece] of file.piecesAt(start)) {
      if (!("bytes" in piece)) continue;
      const key = await this.#create("bulk", piece.bytes);
      made.push([offset, { key, size: piece.size, etag: undefined }]);
    }
    return () => {
      for (const [offset, object] of made) file.place(offset, object);
      for (const [offset, piece] of file.piecesAt(start)) {
        if ("key" in piece) this.#isBeside(file, piece.key, offset + piece.size);
      }
    };
  }

  #isBeside(file: PendingFile, key: string, end: number): void {
    file.placeBulk(key, end);
    this.#tell(file, key, end);
  }

  /**
   * Undefined where the log can be given the tail of a file as far as its bytes up to a size are in that: all before is in
   * objects of which it speaks. Else resolves when that may be so, and is to be asked again. Fails where a piece has.
   */
  readable(file: PendingFile, size: number): Promise<void> | undefined {
    const sending = this.#of(file);
    if (sending.isUploaded) {
      sending.isUploaded = false;
      if (sending.hasParts) {
        const ended = sending.inOrder(() => this.#putBeside(file));
        ended.catch((reason) => sending.fail(reason));
      }
    }
    sending.check();
    if (file.logged >= Math.min(size, file.tailStart)) return undefined;
    if (!sending.isIdle) return sending.settled();
    const text = `Cannot go on with ${file.path}: putting it in place, or moving it, has failed`;
    throw new SmaltiError("IO", text, { file: file.path });
  }

  /** Sends what is left of a file beside the pieces before it, where those are uploaded. Nothing is added after that. */
  sendLast(file: PendingFile): void {
    const sending = this.#of(file);
    if (!sending.isUploaded || !sending.hasParts) return;
    sending.isEnded = true;
    const start = file.lastPiece();
    if (start !== undefined) void this.#send(file, sending, start);
  }

  /** Does the last that is done to a file, once all that is on its way has arrived. */
  async last<R>(file: PendingFile, action: () => Promise<R>): Promise<R> {
    const sending = this.#of(file);
    sending.isUploaded = false;
    return await sending.inOrder(action);
  }

  /** Makes an object at the file's own path of what was uploaded, if anything was: its key. */
  async end(file: PendingFile): Promise<string | undefined> {
    return await this.last(file, async () => {
      if (!file.upload) return undefined;
      this.#of(file).isEnded = true;
      const own = await this.#endUpload(file);
      file.upload = undefined;
      file.place(0, own);
      return own.key;
    });
  }

  async #endUpload(file: PendingFile): Promise<StoredObject> {
    const key = this.#keyOf(file);
    const parts = [];
    for (;;) {
      const part = file.partAt(parts.length * BULK_BYTES);
      if (!part || !("number" in part)) break;
      parts.push(part);
    }
    if (!await endUpload(this.#bucket, key, file.upload!, parts, "none")) {
      const text = `Cannot write ${this.#bucket.shown(key)}: another changes it at the same time`;
      throw new SmaltiError("IO", text, { file: file.path });
    }
    return { key, size: parts.length * BULK_BYTES, etag: undefined };
  }

  /** Has an object beside the log of what was uploaded, and none at the file's own path, where only what is whole may be. */
  async #putBeside(file: PendingFile): Promise<void> {
    const own = await this.#endUpload(file);
    const [key] = this.#newKey("bulk");
    const source = new PendingFile(this.#bucket, file.path, own);
    if (!await putInPlace(this.#bucket, key, source, "none")) throw this.#isThere(key);
    // Who took over may have ended the upload: then it is theirs what is there.
    await this.#confirm();
    await this.#bucket.delete([own.key]);
    // Not before: it would count for more than the log, where a flush may add the rest from now on; and reads go on.
    file.upload = undefined;
    if (this.#sending.has(file)) this.#isBeside(file, key, own.size);
  }

  /** Forgets a file, and gives its upload up. */
  forget(file: PendingFile): void {
    const sending = this.#sending.get(file);
    if (!sending) return;
    this.#sending.delete(file);
    sending.fail(
      new SmaltiError("IO", `Cannot write ${file.path}: it was removed, or has ended`, { file: file.path }),
    );
    const givenUp = sending.settled().then(async () => {
      if (!file.upload) return;
      const { upload } = file.upload;
      file.upload = undefined;
      // Else who recovers does so, or a lifecycle rule.
      await this.#bucket.uploads.abort(this.#keyOf(file), upload).catch(() => {});
    }).finally(() => this.#givenUp.delete(givenUp));
    this.#givenUp.add(givenUp);
  }

  /** Resolves when nothing of files that were forgotten is under way, and nothing is being spilled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#givenUp, this.#spilling?.catch(() => {})]);
  }

  /**
   * Bounds what many files hold in memory that none of them has enough of for a piece: the largest are spilled.
   *
   * @param areLogged Whether of those of which the log has something; else of the others.
   */
  async spill(files: Iterable<PendingFile>, areLogged: boolean): Promise<void> {
    await (this.#spilling ??= this.#spill([...files], areLogged).finally(() => this.#spilling = undefined));
  }

  async #spill(all: PendingFile[], areLogged: boolean): Promise<void> {
    const most = areLogged ? MOST_LOGGED : MOST_UNLOGGED;
    const files = all.filter(({ logged }) => logged > 0 === areLogged);
    let bytes = files.reduce((sum, { spillableBytes }) => sum + spillableBytes, 0);
    if (bytes <= most) return;
    files.sort((a, b) => b.spillableBytes - a.spillableBytes);
    const largest: PendingFile[] = [];
    for (const file of files) {
      if (bytes <= most / 2) break;
      bytes -= file.spillableBytes;
      largest.push(file);
    }
    await mapLimited(largest, SPILLS_AT_ONCE, (file) => {
      return file.spill((bytes) => this.#create("spill", bytes));
    });
  }

  /** Makes an object of bytes beside the log. */
  async #create(kind: "bulk" | "spill", bytes: Uint8Array): Promise<string> {
    const [key, id] = this.#newKey(kind);
    if (!await this.#bucket.create(key, bytes, id)) throw this.#isThere(key);
    return key;
  }

  #newKey(kind: "bulk" | "spill"): [key: string, id: string] {
    const id = crypto.randomUUID();
    const key = `${this.#folder}${kind}-${id}`;
    this.keys.push(key);
    return [key, id];
  }

  #isThere(key: string): SmaltiError {
    return new SmaltiError("IO", `Cannot write ${this.#bucket.shown(key)}: it is there`);
  }

  #of(file: PendingFile): Sending {
    let sending = this.#sending.get(file);
    // Something of it may be in the log already, of another who had the directory.
    if (!sending) this.#sending.set(file, sending = new Sending(file.logged === 0));
    return sending;
  }

  #keyOf(file: PendingFile): string {
    return this.#prefix + file.path;
  }
}
