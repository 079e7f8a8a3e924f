/**
 * The write-ahead log beside an SQLite database: pages that were committed, but are not in its file yet.
 *
 * Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
 *
 * @module
 */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** What a log begins with; the last bit tells in which order its checksums read bytes. */
const MAGIC = 0x377f0682;

/** The newest committed pages of a log. */
export interface WalPages {
  readonly sizeBytes: number;
  /** A page's bytes; undefined where the file's are the newest. */
  page(number: number): Uint8Array | undefined;
}

/** Reads a log as far as its transactions are whole; what is not a log has no pages. */
export function readWal(bytes: Uint8Array): WalPages {
  const pages = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length >= HEADER_BYTES && (view.getUint32(0) & ~1) === MAGIC) readFrames(bytes, view, pages);
  return { sizeBytes: bytes.length, page: (number) => pages.get(number) };
}

function readFrames(bytes: Uint8Array, view: DataView, pages: Map<number, Uint8Array>): void {
  const isLittle = (view.getUint32(0) & 1) === 0;
  const pageBytes = view.getUint32(8);
  if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0) return;
  let sums = checksum(view, 0, 24, isLittle, [0, 0]);
  if (sums[0] !== view.getUint32(24) || sums[1] !== view.getUint32(28)) return;
  /** Those of the transaction that is being read. */
  let open: [number: number, page: Uint8Array][] = [];
  const step = FRAME_HEADER_BYTES + pageBytes;
  for (let at = HEADER_BYTES; at + step <= bytes.length; at += step) {
    if (view.getUint32(at + 8) !== view.getUint32(16) || view.getUint32(at + 12) !== view.getUint32(20)) {
      return;
    }
    sums = checksum(view, at, at + 8, isLittle, sums);
    sums = checksum(view, at + FRAME_HEADER_BYTES, at + step, isLittle, sums);
    if (sums[0] !== view.getUint32(at + 16) || sums[1] !== view.getUint32(at + 20)) return;
    open.push([view.getUint32(at), bytes.subarray(at + FRAME_HEADER_BYTES, at + step)]);
    if (view.getUint32(at + 4) === 0) continue;
    for (const [number, page] of open) pages.set(number, page);
    open = [];
  }
}

function checksum(
  view: DataView,
  from: number,
  to: number,
  isLittle: boolean,
  [first, second]: readonly [number, number],
): [number, number] {
  for (let at = from; at < to; at += 8) {
    first = first + view.getUint32(at, isLittle) + second >>> 0;
    second = second + view.getUint32(at + 4, isLittle) + first >>> 0;
  }
  return [first, second];
}
