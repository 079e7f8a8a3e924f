import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import { type FileReader, seal, type Store } from "../store/store.ts";
import type { CopyOptions, CopyReport } from "../types.ts";
import { mapLimited } from "../util/map_limited.ts";
import { encodeManifest, filesOf, MANIFEST, type Manifest, type StoredTopic, topicPath } from "./manifest.ts";
import { REMOVED } from "./remove_sequence.ts";
import { TopicFileReader } from "./topic_file_reader.ts";

/** Bytes that are read and written at a time. */
const PART_BYTES = 8 * 2 ** 20;
/** Files that are copied side by side. */
const FILES_AT_A_TIME = 4;

/** From where to where. */
export interface CopyRequest {
  readonly from: FileReader;
  /** What is to be copied, as it is told there. */
  readonly manifest: Manifest;
  /** The same as it is stored. */
  readonly text: Uint8Array;
  readonly to: Store;
  /** Directory of the copy. The caller holds its lock, and no other sequence is there. */
  readonly place: string;
  /** Whether the copy was committed before: then it is checked, and nothing is changed. */
  readonly isThere: boolean;
  readonly engine: Engine;
  readonly options: CopyOptions;
}

/** A file to be copied. */
interface CopiedFile {
  /** Where it is, and where it is to be. */
  readonly source: string;
  readonly target: string;
  readonly size: number;
  /** Throws where the copy is damaged; tells whether it is a copy of the source. */
  readonly isGood: () => Promise<boolean>;
}

/**
 * Copies a sequence's files as they are, checks each copy whole, and commits the manifest last. One that is cut short leaves
 * files that count as the rest of a removed sequence; the next one keeps those of them that are whole.
 */
export async function copySequence(request: CopyRequest): Promise<CopyReport> {
  const { manifest, to, place, options: { signal, onProgress } } = request;
  if (!request.isThere) {
    await to.create(`${place}/${REMOVED}`).catch((reason) => {
      if (reason.code !== "ALREADY_EXISTS") throw reason;
    });
  }
  const { removing, ...facts } = manifest;
  const copy: Manifest = { ...facts, place };
  const topics = await Promise.all(manifest.topics.map((topic) => ofTopic(request, copy, topic)));
  const attachments = manifest.attachments.map((attachment) => ofAttachment(request, copy, attachment));
  const files = [...topics, ...attachments];
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let [done, kept] = [0, 0];
  const count = (bytes: number) => onProgress?.(done += bytes, total);
  const copyOne = async (file: CopiedFile): Promise<void> => {
    signal?.throwIfAborted();
    if (request.isThere ? await isWhole(manifest, to, file) : await isBrought(to, file)) {
      kept++;
      return count(file.size);
    }
    await copyFile(request, file, count);
    if (await file.isGood()) return;
    const text = `Cannot copy sequence "${manifest.name}": ${file.source} was written anew meanwhile`;
    throw new SmaltiError("IO", text, { sequence: manifest.name, file: file.source });
  };
  let failure: { reason: unknown } | undefined;
  // All have ended when it is told: the lock is given back then.
  await mapLimited(files, FILES_AT_A_TIME, async (file) => {
    if (!failure) await copyOne(file).catch((reason) => failure ??= { reason });
  });
  if (failure) throw (failure as { reason: unknown }).reason;
  const report = { sequence: manifest.name, files: files.length - kept, kept, bytes: total };
  if (request.isThere) return report;
  // As it is, unless it tells of what is not there.
  const isTrue = removing === undefined &&
    manifest.topics.every(({ sizeBytes }, i) => sizeBytes === topics[i].size);
  const sizes = manifest.topics.map((topic, i) => ({ ...topic, sizeBytes: topics[i].size }));
  await to.commit(`${place}/${MANIFEST}`, isTrue ? request.text : encodeManifest({ ...copy, topics: sizes }));
  // With a manifest it says nothing.
  await to.remove(`${place}/${REMOVED}`).catch(() => {});
  return report;
}

async function ofTopic(
  { from, manifest, to, engine, options: { signal } }: CopyRequest,
  copy: Manifest,
  info: StoredTopic,
): Promise<CopiedFile> {
  const [source, target] = [manifest, copy].map((one) => topicPath(filesOf(one), info));
  const { name: sequence } = manifest;
  const { stored } = await TopicFileReader.open(from, engine, source, info, { sequence });
  const size = stored?.sizeBytes ?? await from.size(source);
  const isGood = async () => {
    const reader = await TopicFileReader.open(to, engine, target, { ...info, sizeBytes: size }, { sequence });
    const [damage] = await reader.verify({ deep: true, onRows: () => {}, signal });
    if (damage) throw damage;
    return reader.stored?.fingerprint === stored?.fingerprint;
  };
  return { source, target, size, isGood };
}

function ofAttachment(
  { manifest, to, engine }: CopyRequest,
  copy: Manifest,
  { file, sizeBytes, crc, name }: Manifest["attachments"][number],
): CopiedFile {
  const [source, target] = [manifest, copy].map((one) => `${filesOf(one)}/${file}`);
  const isGood = async () => {
    if (engine.crc32(await to.read(target, 0, sizeBytes)) === crc) return true;
    const text = `Attachment "${name}" does not match its checksum`;
    throw new SmaltiError("CORRUPT", text, { sequence: manifest.name, file: source });
  };
  return { source, target, size: sizeBytes, isGood };
}

/** True; CORRUPT where a file of a copy that was committed is not what it is a copy of. It may be the source itself, and stays. */
async function isWhole({ name }: Manifest, to: Store, { target, size, isGood }: CopiedFile): Promise<true> {
  const found = await to.size(target);
  if (found === size && await isGood()) return true;
  const text =
    `Sequence "${name}" is in ${to.url}, but ${target} is another file: remove it there, and copy it anew`;
  throw new SmaltiError("CORRUPT", text, { sequence: name, file: target });
}

/** Whether an earlier copy that was cut short has brought it; what is not whole is removed. */
async function isBrought(to: Store, { target, size, isGood }: CopiedFile): Promise<boolean> {
  const found = await to.size(target).catch((reason) => {
    if (isNotFound(reason)) return undefined;
    throw reason;
  });
  if (found === undefined) return false;
  if (found === size && await isGood().catch(() => false)) {
    await seal(to, target);
    return true;
  }
  await to.remove(target);
  return false;
}

async function copyFile(
  { from, manifest, to, options: { signal } }: CopyRequest,
  { source, target, size }: CopiedFile,
  count: (bytes: number) => void,
): Promise<void> {
  // All parts are of one state of the file.
  const reader = {};
  await to.create(target);
  for (let offset = 0; offset < size;) {
    signal?.throwIfAborted();
    const wanted = Math.min(PART_BYTES, size - offset);
    const part = await from.read(source, offset, wanted, { reader, ...(signal && { signal }) });
    if (part.length !== wanted) {
      const text = `Cannot copy sequence "${manifest.name}": ${source} ends at ${
        offset + part.length
      }, wanted ${size} bytes`;
      throw new SmaltiError("CORRUPT", text, { sequence: manifest.name, file: source });
    }
    await to.append(target, part);
    offset += wanted;
    count(wanted);
  }
  await seal(to, target);
}
