/** UTF-16 units that become UTF-8 at once: room for three bytes of each is set aside. */
const PIECE_UNITS = 1 << 14;

/** Where a piece of text ends that begins at a place: never between the halves of a character. */
export function pieceEnd(text: string, from: number): number {
  const end = from + PIECE_UNITS;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
