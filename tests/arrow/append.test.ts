import { describe, expect, it } from "vitest";
import { BatchAppender, type RawBatch } from "../../src/arrow/append.ts";
import { bytesOf } from "../../src/arrow/columns.ts";
import { defineOntology, float64, list } from "../../mod.ts";

const { fields } = defineOntology("Estimate", { covariance: list(float64()) });
const NONE = new Uint8Array(0);

/** Lists of these lengths, of items that count up. */
function batch(lengths: readonly number[], validity: readonly boolean[], hasOffsets = true): RawBatch {
  const offsets = Int32Array.of(0, ...lengths.map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b)));
  const items = Float64Array.from({ length: offsets.at(-1)! }, (_, i) => i + 1);
  const bits = validity.reduce((bits, isValid, i) => bits | Number(isValid) << i, 0);
  const nullCount = validity.filter((isValid) => !isValid).length;
  const buffers = [Uint8Array.of(bits), hasOffsets ? bytesOf(offsets) : NONE, NONE, bytesOf(items)];
  return {
    rows: lengths.length,
    nodes: [lengths.length, nullCount, items.length, 0],
    buffer: (index) => buffers[index],
  };
}

describe("Batches one after another", () => {
  it("keep the items of lists that are missing, in batches of none else too", () => {
    const appender = new BatchAppender(fields);
    appender.append(batch([2, 1], [false, false]));
    appender.append(batch([1, 2], [true, false]));
    const { rows, nodes, buffers } = appender.collect();
    expect([rows, nodes]).toEqual([4, [4, 3, 6, 0]]);
    expect(buffers[0][0]).toBe(0b0100);
    expect([...new Int32Array(buffers[1].buffer, buffers[1].byteOffset, 5)]).toEqual([0, 2, 3, 4, 6]);
    const items = new Float64Array(buffers[3].buffer, buffers[3].byteOffset, 6);
    expect([...items]).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("may leave out the offsets of lists that are all missing and have no items", () => {
    const appender = new BatchAppender(fields);
    appender.append(batch([0, 0], [false, false], false));
    appender.append(batch([1], [true]));
    const { nodes, buffers } = appender.collect();
    expect(nodes).toEqual([3, 2, 1, 0]);
    expect([...new Int32Array(buffers[1].buffer, buffers[1].byteOffset, 4)]).toEqual([0, 0, 0, 1]);
  });
});
