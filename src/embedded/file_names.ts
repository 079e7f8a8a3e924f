/**
 * Names of sequences, and parts of topics' names, as names of files.
 *
 * File systems differ in what they take: many do not tell `Cam` from `cam`, Windows has devices called `con` or `com1`. So a
 * name with capitals, or of a device, is written in lower case, and after a `!` it says where the capitals were: five
 * characters a digit, the first the highest bit, in base32hex (RFC 4648, section 7) without the zeros at its end. `Cam` is
 * `cam!g`, `con` is `con!`, and `cam` is itself. The other way needs the file's name alone.
 *
 * @module
 */
import { MAX_PART } from "../names.ts";

const MARK = "!";
/** Windows takes these for devices, whatever follows after a dot. */
const DEVICE = /^(con|prn|aux|nul|(com|lpt)[0-9])$/;
const BITS = 5;

/** What a sequence, or a part of a topic's name, is called in a store: one name a file, whatever file system it is. */
export function fileNameOf(part: string): string {
  const lower = part.toLowerCase();
  // There is no room in a longer one, which only version 0.1 took.
  if ((lower === part && !DEVICE.test(part)) || part.length > MAX_PART) return part;
  let digits = "";
  for (let start = 0; start < part.length; start += BITS) {
    let digit = 0;
    for (let i = start; i < start + BITS; i++) digit = 2 * digit + Number(lower[i] !== part[i]);
    digits += digit.toString(2 ** BITS);
  }
  return lower + MARK + digits.replace(/0+$/, "");
}

/** The name that a file's name stands for; undefined where it stands for none. Older versions' names stand for themselves. */
export function partOf(fileName: string): string | undefined {
  const [lower, digits, ...others] = fileName.split(MARK);
  if (digits === undefined) return fileName;
  const part = lower.replace(/[a-z]/g, (character, at: number) => {
    const digit = parseInt(digits[Math.floor(at / BITS)] ?? "0", 2 ** BITS);
    return digit >> (BITS - 1 - at % BITS) & 1 ? character.toUpperCase() : character;
  });
  return others.length === 0 && fileNameOf(part) === fileName ? part : undefined;
}

/** A topic's name as a path. */
export function topicFileOf(topic: string): string {
  return topic.split("/").map(fileNameOf).join("/");
}

/** The topic's name that a path stands for; undefined where it stands for none. */
export function topicOf(path: string): string | undefined {
  const parts = path.split("/").map(partOf);
  return parts.includes(undefined) ? undefined : parts.join("/");
}
