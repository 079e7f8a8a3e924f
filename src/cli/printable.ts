/** Controls, and what is not seen but changes how the text around it looks: bidirectional marks, zero widths, tags, fillers. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text from a recording or a file name, safe for a terminal and one line long: hidden characters as `\u001b`, those beyond
 * U+FFFF as two such.
 */
export function printable(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}
