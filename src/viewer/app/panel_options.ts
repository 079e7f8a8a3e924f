/**
 * Checks what layouts say of panels of the built-in types, so that panels may rely on it.
 *
 * @module
 */

type Options = { readonly [key: string]: unknown };
type Check = (value: unknown) => boolean;

const MAX_TEXT = 4096;
const MAX_ITEMS = 200;

const isText: Check = (value) => typeof value === "string" && value.length <= MAX_TEXT;
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isTexts: Check = (value) => Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isText);
const isOneOf = (...values: unknown[]): Check => (value) => values.includes(value);
const isColor: Check = (value) => typeof value === "string" && /^(#[0-9a-f]{3,8}|[a-z]{1,30})$/i.test(value);
const optional = (check: Check): Check => (value) => value === undefined || check(value);
/** Tiles come over the network, so that their source is the user's to name. */
const isTiles: Check = (value) => isText(value) && /^https?:\/\//i.test(value as string);

const LINE: Record<string, Check> = {
  text: isText,
  axis: optional(isOneOf(0, 1)),
  label: optional(isText),
  color: optional(isColor),
};
const isLines: Check = (value) =>
  Array.isArray(value) && value.length <= MAX_ITEMS &&
  value.every((line) => typeof line === "object" && line !== null && wrongIn(line, LINE) === undefined);

const PANELS: Record<string, Record<string, Check>> = {
  plot: { lines: isLines },
  states: { lines: isTexts },
  image: { topic: isText },
  track: { topic: isText, kind: isOneOf("geo", "plane"), x: isText, y: isText, tiles: optional(isTiles) },
  values: { topics: isTexts },
  table: { topic: isText, fields: optional(isTexts) },
  log: {
    topic: isText,
    text: isText,
    level: optional(isText),
    minLevel: optional(isNumber),
    contains: optional(isText),
  },
  xy: { topic: isText, x: isText, y: isText },
  scene: { topics: isTexts, frame: optional(isText), axes: optional(isOneOf(true, false)) },
  info: {},
};

/** The options of a panel, without what its type does not know; or what is wrong with them, in words. Of other types as they are. */
export function checkOptions(type: string, options: Options): { [key: string]: unknown } | string {
  if (!Object.hasOwn(PANELS, type)) return { ...options };
  const checks = PANELS[type];
  const wrong = wrongIn(options, checks);
  if (wrong !== undefined) return `has a wrong ${wrong}`;
  const known = Object.keys(checks).filter((key) => options[key] !== undefined);
  return Object.fromEntries(known.map((key) => [key, options[key]]));
}

function wrongIn(options: Options, checks: Record<string, Check>): string | undefined {
  const own = (key: string) => Object.hasOwn(options, key) ? options[key] : undefined;
  return Object.keys(checks).find((key) => !checks[key](own(key)));
}
