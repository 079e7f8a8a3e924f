/**
 * bz2 -> bytes. The libraries for it want modules of Node's, which bundlers for browsers do not have.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";

/** Bytes in a block, for each level from 1 to 9. */
const LEVEL_BYTES = 100_000;
/** Symbols that are decoded by one table before the next selector tells which. */
const GROUP_SYMBOLS = 50;
const MAX_LENGTH = 20;
/** Codes up to so many bits are looked up at once. */
const FAST_BITS = 10;
/** What begins a block, and what ends the blocks: 48 bits, in two halves. */
const BLOCK = [0x314159, 0x265359];
const END = [0x177245, 0x385090];

/** CRC-32 as bz2 has it: the highest bit first. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? crc << 1 ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/**
 * Decompresses streams of bz2, one after another, which hold `rawLength` bytes together; checksums are checked. CORRUPT where
 * they are damaged or hold another number of bytes, UNSUPPORTED for blocks that are randomised, as before bzip2 0.9.5.
 *
 * Source: the reference implementation, bzip2 1.0.8 (decompress.c), and its description by J. Tsai.
 */
export function bunzip2(bytes: Uint8Array, rawLength: number): Uint8Array {
  return new Bunzip2(bytes, rawLength).run();
}

function damaged(what: string): SmaltiError {
  return new SmaltiError("CORRUPT", `bz2 is damaged: ${what}`);
}

/** A code by which symbols are decoded. */
interface Huffman {
  /** By the next {@linkcode FAST_BITS}: the symbol and, in the low 5 bits, its length; 0 for longer codes. */
  readonly fast: Int32Array;
  /** Per length: the first code after those of it, the bits aligned to MAX_LENGTH; and what to add to a code for its place. */
  readonly limit: Int32Array;
  readonly base: Int32Array;
  /** Symbols in the order of their codes. */
  readonly symbols: Uint16Array;
}

class Bunzip2 {
  readonly #bytes: Uint8Array;
  readonly #out: Uint8Array;
  #outLength = 0;
  #at = 0;
  /** Bits that were read and not taken: the lowest so many. */
  #bits = 0;
  #bitCount = 0;
  /** The block's bytes, below the links of the Burrows-Wheeler transform; made at the first block. */
  #block = new Uint32Array(0);

  constructor(bytes: Uint8Array, rawLength: number) {
    this.#bytes = bytes;
    this.#out = new Uint8Array(rawLength);
  }

  run(): Uint8Array {
    do this.#stream(); while (this.#at < this.#bytes.length);
    if (this.#outLength === this.#out.length) return this.#out;
    throw damaged(`it holds ${this.#outLength} bytes, wanted ${this.#out.length}`);
  }

  #stream(): void {
    const level = this.#take(24) === 0x425a68 ? this.#take(8) - 0x30 : 0; // "BZh" and a digit
    if (level < 1 || level > 9) throw damaged("its signature is wrong");
    const size = level * LEVEL_BYTES;
    if (this.#block.length < size) this.#block = new Uint32Array(size);
    let crcOfAll = 0;
    for (;;) {
      const [high, low] = [this.#take(24), this.#take(24)];
      const crc = this.#take32();
      if (high === END[0] && low === END[1]) {
        if (crc !== crcOfAll) throw damaged("the checksum of a stream is wrong");
        break;
      }
      if (high !== BLOCK[0] || low !== BLOCK[1]) throw damaged("no block begins where one should");
      if (this.#take(1) === 1) {
        throw new SmaltiError(
          "UNSUPPORTED",
          "bz2 has a randomised block, which nothing has written since 1999",
        );
      }
      const origin = this.#take(24);
      const length = this.#readBlock(size);
      if (origin >= length) throw damaged("a block begins beyond its end");
      if (this.#write(length, origin) !== crc) throw damaged("the checksum of a block is wrong");
      crcOfAll = ((crcOfAll << 1 | crcOfAll >>> 31) ^ crc) >>> 0;
    }
    // A stream ends at a whole byte.
    this.#at -= this.#bitCount >> 3;
    this.#bits = this.#bitCount = 0;
  }

  /** Reads a block up to the Burrows-Wheeler transform, and links its bytes; returns how many there are. */
  #readBlock(size: number): number {
    const block = this.#block;
    const recent = this.#readUsed();
    const end = recent.length + 1; // symbols: two for runs, all bytes but the first, the end
    const groupCount = this.#take(3);
    const selectorCount = this.#take(15);
    if (recent.length === 0 || groupCount < 2 || groupCount > 6 || selectorCount === 0) {
      throw damaged("a block has no tables");
    }
    const selectors = this.#readSelectors(selectorCount, groupCount);
    const tables = Array.from({ length: groupCount }, () => this.#readTable(end + 1));
    const counts = new Uint32Array(256);
    let length = 0;
    let [run, runUnit] = [0, 1];
    let [selector, left] = [0, 0];
    let table = tables[0];
    for (;;) {
      if (left === 0) {
        if (selector === selectorCount) throw damaged("a block has more symbols than its selectors are for");
        table = tables[selectors[selector++]];
        left = GROUP_SYMBOLS;
      }
      left--;
      const symbol = this.#symbol(table);
      if (symbol < 2) {
        run += runUnit << symbol;
        runUnit <<= 1;
        if (run > size) throw damaged("a run is longer than its block");
        continue;
      }
      if (run > 0) {
        if (length + run > size) throw damaged("a block has too many bytes");
        const byte = recent[0];
        counts[byte] += run;
        block.fill(byte, length, length += run);
        [run, runUnit] = [0, 1];
      }
      if (symbol === end) break;
      if (length === size) throw damaged("a block has too many bytes");
      const byte = recent[symbol - 1];
      recent.copyWithin(1, 0, symbol - 1);
      recent[0] = byte;
      counts[byte]++;
      block[length++] = byte;
    }
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      const count = counts[byte];
      counts[byte] = sum;
      sum += count;
    }
    for (let i = 0; i < length; i++) block[counts[block[i] & 255]++] |= i << 8;
    return length;
  }

  /** The bytes that a block has, in their order. */
  #readUsed(): Uint8Array {
    const used: number[] = [];
    const ranges = this.#take(16);
    for (let range = 0; range < 16; range++) {
      if ((ranges >> 15 - range & 1) === 0) continue;
      const bits = this.#take(16);
      for (let i = 0; i < 16; i++) if ((bits >> 15 - i & 1) === 1) used.push(16 * range + i);
    }
    return Uint8Array.from(used);
  }

  /** Which table is for which group: numbers in unary, of those used last. */
  #readSelectors(count: number, groupCount: number): Uint8Array {
    const selectors = new Uint8Array(count);
    const recent = [0, 1, 2, 3, 4, 5];
    for (let i = 0; i < count; i++) {
      let place = 0;
      while (this.#take(1) === 1) if (++place === groupCount) throw damaged("a selector names no table");
      const [table] = recent.splice(place, 1);
      recent.unshift(table);
      selectors[i] = table;
    }
    return selectors;
  }

  #readTable(symbolCount: number): Huffman {
    const lengths = new Uint8Array(symbolCount);
    let length = this.#take(5);
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      for (;;) {
        if (length < 1 || length > MAX_LENGTH) throw damaged("a code has no length from 1 to 20");
        if (this.#take(1) === 0) break;
        length += this.#take(1) === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
    }
    return huffmanOf(lengths);
  }

  #symbol({ fast, limit, base, symbols }: Huffman): number {
    while (this.#bitCount < MAX_LENGTH) {
      // After the last byte there may be less than the longest code.
      this.#bits = this.#bits << 8 | (this.#at < this.#bytes.length ? this.#bytes[this.#at] : 0);
      this.#at++;
      this.#bitCount += 8;
    }
    const code = this.#bits >>> this.#bitCount - MAX_LENGTH & (1 << MAX_LENGTH) - 1;
    const found = fast[code >> MAX_LENGTH - FAST_BITS];
    let length = found & 31;
    let symbol = found >> 5;
    if (length === 0) {
      length = FAST_BITS + 1;
      while (length <= MAX_LENGTH && code >= limit[length]) length++;
      if (length > MAX_LENGTH) throw damaged("a code is none of its table's");
      symbol = symbols[(code >> MAX_LENGTH - length) + base[length]];
    }
    this.#bitCount -= length;
    if (this.#at - (this.#bitCount >> 3) > this.#bytes.length) throw damaged("it is cut");
    return symbol;
  }

  /** Writes the block's bytes, of which four equal ones are followed by how many more there are; returns the checksum. */
  #write(length: number, origin: number): number {
    const [block, out] = [this.#block, this.#out];
    let at = this.#outLength;
    let crc = -1;
    let entry = block[origin];
    let [last, equal] = [-1, 0];
    for (let i = 0; i < length; i++) {
      entry = block[entry >>> 8];
      const byte = entry & 255;
      let repeat = 1;
      let value = byte;
      if (equal === 4) {
        [repeat, value, equal] = [byte, last, 0];
        last = -1;
      } else {
        equal = byte === last ? equal + 1 : 1;
        last = byte;
      }
      if (at + repeat > out.length) throw damaged(`it holds more than ${out.length} bytes`);
      for (; repeat > 0; repeat--) {
        out[at++] = value;
        crc = crc << 8 ^ CRC_TABLE[crc >>> 24 ^ value];
      }
    }
    this.#outLength = at;
    return ~crc >>> 0;
  }

  /** The next bits, 24 at most. */
  #take(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at >= this.#bytes.length) throw damaged("it is cut");
      this.#bits = this.#bits << 8 | this.#bytes[this.#at++];
      this.#bitCount += 8;
    }
    this.#bitCount -= count;
    return this.#bits >>> this.#bitCount & (1 << count) - 1;
  }

  #take32(): number {
    return this.#take(16) * 0x10000 + this.#take(16);
  }
}

/** The canonical code of lengths: shorter ones first, of one length by symbol. */
function huffmanOf(lengths: Uint8Array): Huffman {
  const fast = new Int32Array(1 << FAST_BITS);
  const [limit, base] = [new Int32Array(MAX_LENGTH + 1), new Int32Array(MAX_LENGTH + 1)];
  const symbols = new Uint16Array(lengths.length);
  let [code, place] = [0, 0];
  for (let length = 1; length <= MAX_LENGTH; length++) {
    base[length] = place - code;
    lengths.forEach((of, symbol) => {
      if (of !== length) return;
      if (length <= FAST_BITS) {
        const shift = FAST_BITS - length;
        fast.fill(symbol << 5 | length, code << shift, code + 1 << shift);
      }
      symbols[place++] = symbol;
      code++;
    });
    limit[length] = code << MAX_LENGTH - length;
    if (code > 1 << length) throw damaged("a table has more codes than its lengths allow");
    code <<= 1;
  }
  return { fast, limit, base, symbols };
}
