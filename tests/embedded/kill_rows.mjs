/**
 * What the recorder that is killed pushes: every row is a function of its topic and its number, so that whoever looks at
 * the files afterwards knows what must be in them.
 *
 * @module
 */

/** Numbers from 0 to below 1, the same for the same seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** A number for a name and a number. */
function mix(name, row) {
  let hash = Math.imul(row + 1, 0x9e3779b1);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash ^ hash >>> 13) >>> 0;
}

/** The ontologies, made by what the library gives. */
export function ontologies({ defineOntology, float64, int64, list, optional, struct, utf8 }) {
  return {
    number: defineOntology("KillNumber", { value: float64(), serial: int64() }),
    text: defineOntology("KillText", { text: utf8() }),
    mixed: defineOntology("KillMixed", {
      label: optional(utf8()),
      values: list(float64()),
      place: optional(struct({ x: float64() })),
    }),
  };
}

/** What a topic of this name holds. */
export function kindOf(topic) {
  return topic.slice(0, topic.indexOf("_"));
}

/** The time of a row: mostly ascending, some late, some equal to another's. */
export function timeOf(topic, row) {
  const late = mix(topic, row);
  return BigInt(1000 * row - (late % 16 === 0 ? late % 40_000 : 0));
}

/** The data of a row. */
export function dataOf(topic, row) {
  const number = mix(topic, row);
  switch (kindOf(topic)) {
    case "number":
      return { value: number / 7, serial: BigInt(row) };
    case "text":
      return { text: `${topic} ${row} ${"é".repeat(number % 30)}` };
    default:
      return {
        label: number % 3 === 0 ? undefined : `row ${row}`,
        values: Array.from({ length: number % 4 }, (_, i) => row + i / 8),
        place: number % 5 === 0 ? undefined : { x: number },
      };
  }
}

/** The bytes of an attachment. */
export function attachmentOf(sequence, number) {
  return Uint8Array.from({ length: mix(sequence, number) % 5000 }, (_, i) => mix(sequence, number + i));
}
