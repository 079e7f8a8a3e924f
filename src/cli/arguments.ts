/**
 * Arguments that several commands take. What does not parse is said by commander, with exit code 2.
 *
 * @module
 */
import { Argument, InvalidArgumentError, Option } from "commander";
import { SmaltiError } from "../error.ts";
import { sequenceName, topicName } from "../names.ts";

/** `--store DIR`. */
export function storeOption(): Option {
  return new Option("--store <DIR>", "directory with the recordings, or a URL such as s3://bucket/prefix")
    .default("./recordings")
    .argParser((text) => {
      if (text === "") throw new InvalidArgumentError("Wanted a directory.");
      return text;
    });
}

/** `NAME`, of a sequence. */
export function nameArgument(): Argument {
  return new Argument("<NAME>", "name of the sequence").argParser(parseSequenceName);
}

/** `[NAME]`, of a sequence; without it, all. */
export function optionalNameArgument(): Argument {
  return new Argument("[NAME]", "name of the sequence (default: all)").argParser(parseSequenceName);
}

/** `[NAME...]`, of sequences; without it, all. */
export function optionalNamesArgument(): Argument {
  return new Argument("[NAME...]", "names of sequences (default: all)")
    .argParser((text, before: string[] = []) => [...before, parseSequenceName(text)]);
}

/** A sequence's name, following the rule. */
export function parseSequenceName(text: string): string {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new InvalidArgumentError(
      "Wanted a sequence's name; the URL of the store that it is in goes with --store.",
    );
  }
  return orInvalid(() => sequenceName(text));
}

/** A topic's name, following the rule; without a leading `/`. */
export function parseTopicName(text: string): string {
  return orInvalid(() => topicName(text));
}

/** `--topics a,b`. */
export function topicsOption(): Option {
  return new Option("--topics <a,b>", "names of topics (default: all)").argParser(parseTopics);
}

/** `a,b`: names of topics, with or without a leading `/`; given again, they add up. */
function parseTopics(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(",").map((name) => parseTopicName(name.trim()))];
}

/** `4096`, `64K`, `512M`, `2G`: bytes, the suffixes by powers of 1024. */
export function parseSize(text: string): number {
  const [, digits, suffix = ""] = /^(\d+)(?:([KMG])(?:i?B)?)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** " KMG".indexOf(suffix === "" ? " " : suffix.toUpperCase());
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("Wanted bytes, such as 4096, 64K, 512M or 2G.");
}

/** A port; 0 for a free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new InvalidArgumentError("Wanted 0 to 65535.");
}

function orInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (reason) {
    throw reason instanceof SmaltiError ? new InvalidArgumentError(reason.rawMessage) : reason;
  }
}
