import { SmaltiError } from "../../error.ts";

/** What is used of papaparse. */
export interface Papa {
  Parser: new (config: { delimiter: string; newline: string }) => {
    parse(input: string, baseIndex: number, ignoreLastRow: boolean): {
      data: string[][];
      errors: readonly { code: string; row: number }[];
      meta: { cursor: number };
    };
  };
}

/** What is wrong with a row. */
export interface CsvFlaw {
  readonly kind: "quotes" | "text";
  readonly message: string;
  readonly lost?: string;
}

const SEPARATORS = [",", ";", "\t", "|"];
/** Characters that are looked at to tell separator and line ends. */
const SAMPLE_LENGTH = 1 << 16;
const SAMPLE_LINES = 10;

/**
 * CSV (RFC 4180) -> rows of cells, which are text without the spaces around it. Cells may be in quotes, with separators and line
 * ends in them. Separator and line ends are told by the first lines; UTF-8 and UTF-16 by the byte order mark.
 */
export class CsvReader {
  readonly #papa: Papa;
  readonly #maxLength: number;
  readonly #flaw: (flaw: CsvFlaw) => void;
  #separator: string | undefined;
  #parser: InstanceType<Papa["Parser"]> | undefined;
  #decoder: TextDecoder | undefined;
  /** Beside it, until it has found damage: one decoder cannot do both, since it forgets what it was given in parts. */
  #checker: TextDecoder | undefined;
  #head = new Uint8Array(0);
  #text = "";
  /** Length of the text at which parsing is tried again: a row that is not whole yet would be parsed again with every part. */
  #next = 0;
  /** Rows so far. */
  #rows = 0;

  /** @param maxLength Bound on a row, in characters. */
  constructor(
    papa: Papa,
    separator: string | undefined,
    maxLength: number,
    flaw: (flaw: CsvFlaw) => void,
  ) {
    this.#papa = papa;
    this.#separator = separator;
    this.#maxLength = maxLength;
    this.#flaw = flaw;
  }

  /** Takes bytes; gives the rows that are whole then. TOO_LARGE. */
  append(part: Uint8Array): string[][] {
    this.#text += this.#decode(part);
    if (!this.#parser && this.#text.length < SAMPLE_LENGTH) return [];
    return this.#parse(false);
  }

  /** The rows that are whole, at once. */
  flush(): string[][] {
    return this.#text === "" ? [] : this.#parse(false);
  }

  /** The rest. */
  finish(): string[][] {
    this.#text += this.#decode(new Uint8Array(0), true);
    this.#next = 0;
    const rows = this.#text === "" ? [] : this.#parse(true);
    this.#text = "";
    return rows;
  }

  #decode(part: Uint8Array, isLast = false): string {
    if (!this.#decoder) {
      const head = new Uint8Array(this.#head.length + part.length);
      head.set(this.#head);
      head.set(part, this.#head.length);
      this.#head = part = head;
      if (head.length < 2 && !isLast) return "";
      this.#decoder = new TextDecoder(encodingOf(head));
      this.#checker = new TextDecoder(encodingOf(head), { fatal: true });
    }
    const stream = !isLast;
    try {
      this.#checker?.decode(part, { stream });
    } catch {
      this.#checker = undefined;
      const encoding = this.#decoder.encoding.toUpperCase();
      const message = `after row ${this.#rows} there is text that is not ${encoding}`;
      this.#flaw({ kind: "text", message, lost: "some characters" });
    }
    return this.#decoder.decode(part, { stream });
  }

  #parse(isLast: boolean): string[][] {
    if (this.#text.length < this.#next) return [];
    this.#parser ??= this.#open();
    const { data, errors, meta: { cursor } } = this.#parser.parse(this.#text, 0, !isLast);
    this.#text = this.#text.slice(cursor);
    if (this.#text.length > this.#maxLength && !isLast) {
      const text = `row ${this.#rows + data.length + 1} has more than ${this.#maxLength} characters`;
      throw new SmaltiError("TOO_LARGE", text);
    }
    this.#next = 2 * this.#text.length;
    const cut = this.#tellErrors(errors, data.length);
    if (cut) data.pop();
    this.#rows += data.length;
    for (const row of data) for (let i = 0; i < row.length; i++) row[i] = row[i].trim();
    // Empty lines.
    return data.filter((row) => row.length > 1 || row[0] !== "");
  }

  /** Notes errors down; whether the last row is to be left out. */
  #tellErrors(errors: readonly { code: string; row: number }[], rows: number): boolean {
    let told = -1;
    let isCut = false;
    for (const { code, row } of errors) {
      const place = `row ${this.#rows + row + 1}`;
      if (code === "MissingQuotes") {
        isCut = true;
        this.#flaw({ kind: "quotes", message: `${place} begins a quote that does not end`, lost: "1 row" });
      } else if (row !== told && row < rows) {
        this.#flaw({ kind: "quotes", message: `${place} has a quote within a cell in quotes` });
      }
      told = row;
    }
    return isCut;
  }

  #open(): InstanceType<Papa["Parser"]> {
    const said = /^sep=(.)\r?\n/.exec(this.#text);
    if (said) {
      this.#separator ??= said[1];
      this.#text = this.#text.slice(said[0].length);
    }
    const sample = this.#text.slice(0, SAMPLE_LENGTH);
    // A "\r" before "\n" is a space at the end of the last cell.
    const newline = !sample.includes("\n") && sample.includes("\r") ? "\r" : "\n";
    return new this.#papa.Parser({ delimiter: this.#separator ?? separatorOf(sample, newline), newline });
  }
}

function encodingOf(head: Uint8Array): string {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : "utf-8";
}

/** The separator that the first lines have, each as often as the others; else the one that the first line has most. */
export function separatorOf(sample: string, newline = "\n"): string {
  const lines = sample.replace(/"[^"]*"/g, "").split(newline, SAMPLE_LINES + 1).slice(0, SAMPLE_LINES)
    .filter((line) => line.trim() !== "");
  const counts = SEPARATORS.map((separator) => lines.map((line) => line.split(separator).length - 1));
  const score = (counts: readonly number[]) => {
    const [first = 0] = counts;
    return first + (counts.every((count) => count === first) ? first * 1000 : 0);
  };
  const scores = counts.map(score);
  const best = scores.indexOf(Math.max(...scores));
  return SEPARATORS[best];
}
