/**
 * How expressions name fields: `topic.path`, where the path is the names on the way to the field, joined by dots.
 *
 * Topics hold `/` and `-`, which divide and subtract elsewhere. So a topic of the recording followed by a dot and one of its fields is
 * a field wherever it stands, the longest first: `gps/front.position.x`, `battery_status/0.voltage_v`. To divide, write
 * spaces. Where that does not do, and for what is not in the recording, names stand in backticks: `` `gps/front`.position.x ``,
 * `` `a`.`odd name` ``. In backticks a path may be several names, or each name of it may be quoted.
 *
 * @module
 */

/** Fields of topics, as far as expressions need them. */
export interface KnownTopic {
  readonly name: string;
  /** Paths of fields. */
  readonly paths: readonly string[];
}

/** A field that a text names. */
export interface Reference {
  readonly topic: string;
  readonly path: string;
  /** Characters that it takes. */
  readonly length: number;
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*(?:\[\d+\])*/y;
const PLAIN_TOPIC = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PLAIN_PATH = /^[A-Za-z_][A-Za-z0-9_]*(?:\[\d+\])*(?:\.[A-Za-z_][A-Za-z0-9_]*(?:\[\d+\])*)*$/;
/** What would go on with a name that ends before it. */
const GOES_ON = /[A-Za-z0-9_[]/;

/** A field as any recording reads it: plain where its names are, else in backticks. */
export function formatReference(topic: string, path: string): string {
  const name = PLAIN_TOPIC.test(topic) ? topic : `\`${topic}\``;
  return `${name}.${PLAIN_PATH.test(path) ? path : `\`${path.replaceAll("`", "")}\``}`;
}

/** Finds fields in texts. */
export class References {
  /** Texts of all fields by the first character, longest first. */
  readonly #known = new Map<string, { text: string; topic: string; path: string }[]>();
  readonly #topics: ReadonlyMap<string, KnownTopic>;

  constructor(topics: readonly KnownTopic[]) {
    this.#topics = new Map(topics.map((topic) => [topic.name, topic]));
    // Topics alone: their fields are looked through where one begins.
    for (const { name } of topics) {
      const list = this.#known.get(name[0]) ?? [];
      list.push({ text: `${name}.`, topic: name, path: "" });
      this.#known.set(name[0], list);
    }
    for (const list of this.#known.values()) list.sort((a, b) => b.text.length - a.text.length);
  }

  /** Names of all topics. */
  get names(): string[] {
    return [...this.#topics.keys()];
  }

  /** Paths of a topic's fields; undefined where it is not there. */
  pathsOf(topic: string): readonly string[] | undefined {
    return this.#topics.get(topic)?.paths;
  }

  /** The field whose name begins at a place of a text; undefined where none does. It need not be in the recording. */
  at(text: string, start: number): Reference | undefined {
    for (const { text: before, topic } of this.#known.get(text[start]) ?? []) {
      if (!text.startsWith(before, start)) continue;
      const path = this.#longestPath(topic, text, start + before.length);
      if (path !== undefined) return { topic, path, length: before.length + path.length };
    }
    return quotedAt(text, start) ?? plainAt(text, start);
  }

  #longestPath(topic: string, text: string, start: number): string | undefined {
    let longest: string | undefined;
    for (const path of this.#topics.get(topic)!.paths) {
      if (longest !== undefined && path.length <= longest.length) continue;
      if (text.startsWith(path, start) && !GOES_ON.test(text[start + path.length] ?? " ")) longest = path;
    }
    return longest;
  }
}

/** `` `topic`.path `` */
function quotedAt(text: string, start: number): Reference | undefined {
  if (text[start] !== "`") return undefined;
  const end = text.indexOf("`", start + 1);
  if (end < 0 || text[end + 1] !== ".") return undefined;
  const path = pathAt(text, end + 2);
  return path && { topic: text.slice(start + 1, end), path: path.path, length: path.end - start };
}

/** `topic.path`, of letters, digits and `_`. */
function plainAt(text: string, start: number): Reference | undefined {
  NAME.lastIndex = start;
  const name = NAME.exec(text)?.[0];
  if (name === undefined || text[start + name.length] !== ".") return undefined;
  const path = pathAt(text, start + name.length + 1);
  return path && { topic: name, path: path.path, length: path.end - start };
}

/** Names, plain or in backticks, joined by dots. */
function pathAt(text: string, start: number): { path: string; end: number } | undefined {
  const names: string[] = [];
  for (let at = start;;) {
    let name: string | undefined;
    if (text[at] === "`") {
      const end = text.indexOf("`", at + 1);
      if (end < 0) return undefined;
      name = text.slice(at + 1, end);
      at = end + 1;
    } else {
      NAME.lastIndex = at;
      name = NAME.exec(text)?.[0];
      if (name === undefined) return undefined;
      at += name.length;
    }
    names.push(name);
    if (text[at] !== ".") return { path: names.join("."), end: at };
    at++;
  }
}
