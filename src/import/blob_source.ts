/** What is used of a `Blob`, such as a file that was chosen in a browser. */
export interface BlobLike {
  /** Bytes in it. */
  readonly size: number;
  /** What errors call it: a `File` has one. */
  readonly name?: string | undefined;
  /** A part of it, from a byte on to before another. */
  slice(start?: number, end?: number): BlobLike;
  /** All of its bytes. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Bytes read at once. */
const CHUNK_BYTES = 1 << 20;

/** Whether something is a blob. */
export function isBlob(source: object): source is BlobLike {
  return "size" in source && "slice" in source && "arrayBuffer" in source;
}

/** A source that may be read again, and at any place. */
export interface BlobSource {
  readonly name?: string;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly isRepeatable: true;
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
}

/** A blob as a source. */
export function blobSource(blob: BlobLike): BlobSource {
  const read = async (offset: number, length: number) =>
    new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
  async function* chunks() {
    for (let at = 0; at < blob.size; at += CHUNK_BYTES) yield await read(at, CHUNK_BYTES);
  }
  return {
    ...(typeof blob.name === "string" && { name: blob.name }),
    sizeBytes: blob.size,
    chunks: { [Symbol.asyncIterator]: chunks },
    isRepeatable: true,
    read,
  };
}
