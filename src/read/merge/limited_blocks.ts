import type { BlockSource, StreamOptions } from "../streamer.ts";
import { type BlockArrays, firstOf, type RowBlock } from "./row_block.ts";

/** The first rows of others, up to a number of them. Nothing is asked for after those. */
export class LimitedBlocks implements BlockSource {
  readonly #blocks: BlockSource;
  /** Rows still to give out. */
  #left: number;

  constructor(blocks: BlockSource, limit: number) {
    this.#blocks = blocks;
    this.#left = limit;
  }

  async next(spare?: BlockArrays): Promise<RowBlock | undefined> {
    if (this.#left === 0) {
      this.close();
      return undefined;
    }
    const block = await this.#blocks.next(spare);
    if (!block) return undefined;
    const length = Math.min(block.length, this.#left);
    this.#left -= length;
    return length < block.length ? firstOf(block, length) : block;
  }

  async peek(): Promise<bigint | undefined> {
    return this.#left === 0 ? undefined : await this.#blocks.peek();
  }

  close(): void {
    this.#blocks.close();
  }
}

/** What makes rows end after the `limit` of an option, if there is one. RangeError where it is none. */
export function limiter(
  { limit }: Pick<StreamOptions, "limit">,
  tried: string,
): (rows: BlockSource) => BlockSource {
  if (limit === undefined) return (rows) => rows;
  if (Number.isSafeInteger(limit) && limit >= 0) return (rows) => new LimitedBlocks(rows, limit);
  throw new RangeError(`${tried}: limit is ${limit}, wanted a whole number from 0 on`);
}
