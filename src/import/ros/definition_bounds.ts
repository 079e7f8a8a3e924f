/**
 * Definitions that are kept from their parsers, which would take hours or all memory for them.
 *
 * @module
 */

/** Characters of a definition; those who parse them take seconds for that much. */
const MAX_MSG = 1 << 20;
const MAX_IDL = 1 << 18;
/** Lines by types: every field's type is looked for among all. */
const MAX_LOOKUPS = 2e7;
/** Squares of the lengths of lines: where one does not match, its spaces are tried from each of them on. */
const MAX_LINE_SQUARES = 2e8;
/** Squares of the words of what is between semicolons and braces: lists of names and of strings take as long, or longer. */
const MAX_WORD_SQUARES = 8e6;

/** A string, a comment, an end of what belongs together, or a word. What does not end ends with the text. */
const IDL_TOKEN = /"(?:\\[^]|[^"\\])*(?:"|\\?$)|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|[;{}]|[\w:]+|[^\s]/g;

const FIELD = /^[a-zA-Z0-9_/]+(?:<=\d+)?(?:\[(?:<=)?\d*\])?\s+([a-zA-Z0-9_]+)/;
/** Names of fields and constants in ROS 2. */
const ROS2_NAME = /^(?:[a-z](?:_?[a-z0-9])*|[A-Z](?:_?[A-Z0-9])*)$/;

/** Throws where a definition in `ros2idl` is too long, or would take too long. */
export function checkIdl(text: string): void {
  checkLength(text, MAX_IDL);
  let squares = 0;
  let words = 0;
  for (const [token] of text.matchAll(IDL_TOKEN)) {
    if (token.startsWith("//") || token.startsWith("/*")) continue;
    words++;
    if (token !== ";" && token !== "{" && token !== "}") continue;
    squares += words * words;
    words = 0;
  }
  if (squares + words * words > MAX_WORD_SQUARES) {
    throw new Error("it has too many words between its semicolons");
  }
}

/** Throws where a definition in `ros1msg` or `ros2msg` is too long, or would take too long. */
export function checkMsg(text: string): void {
  checkLength(text, MAX_MSG);
  const lines = text.split("\n").map((line) => line.trim());
  const types = lines.filter((line) => line.startsWith("==")).length + 1;
  if (types * lines.length > MAX_LOOKUPS) {
    throw new Error(`it has ${types} types in ${lines.length} lines, which are too many`);
  }
  const squares = lines.reduce(
    (sum, line) => sum + (line.startsWith("#") ? 0 : line.length * line.length),
    0,
  );
  if (squares > MAX_LINE_SQUARES) throw new Error("its lines are too long");
}

/**
 * Whether all names are such as ROS 2 allows. The parser finds that out too, but for a name that is none it tries every way to
 * cut what is before the fault: with each character it takes twice the time.
 */
export function hasNamesOfRos2(text: string): boolean {
  return text.split("\n").every((line) => {
    const name = FIELD.exec(line.trim())?.[1];
    return name === undefined || ROS2_NAME.test(name);
  });
}

function checkLength({ length }: string, most: number): void {
  if (length > most) throw new Error(`it has ${length} characters and at most ${most} are read`);
}
