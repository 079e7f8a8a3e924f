/**
 * The little of XML that is in a service's answers: elements without attributes, told by their names.
 *
 * @module
 */

/** An answer's bytes. */
interface Answer {
  readonly bytes: Uint8Array;
}

/** What the service calls an error; empty where it does not say. */
export function codeOf(answer: Answer): string {
  return elementOf(answer, "Code") ?? "";
}

/** The text of an answer's first element of a name. Names and codes have no escapes. */
export function elementOf({ bytes }: Answer, name: string): string | undefined {
  if (bytes.length === 0 || bytes.length > 1 << 16) return undefined;
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(new TextDecoder().decode(bytes))?.[1];
}

/** The texts of all elements of a name that have no others in them. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(([, text]) => text);
}

/** What is within each element of a name that has others in it. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))].map(([, one]) => one);
}

/** A key of a listing, which was asked for with escapes as in URLs. */
export function unescaped(text: string): string {
  return decodeURIComponent(unescapedXml(text).replaceAll("+", "%20"));
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** A text without its escapes. */
export function unescapedXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, digits, name) => {
    if (hex || digits) return String.fromCodePoint(parseInt(hex ?? digits, hex ? 16 : 10));
    return ENTITIES[name] ?? whole;
  });
}

/** A text that may stand in an element. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
