/**
 * How files of other formats are to be read, as arguments.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { parseSize } from "./arguments.ts";
import { parsePatterns, parseSeparator, parseTimeName, readDefinitions } from "./import_arguments.ts";
import type { GivenOptions } from "./import_recording.ts";
import { endOption, startOption } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

/** What {@linkcode addReadOptions} makes of the arguments. */
export interface ReadOptions
  extends Omit<GivenOptions, "name" | "dryRun" | "metadata" | "maxRecordBytes" | "definitions" | "ontology"> {
  maxRecord?: number;
  msgPath?: string;
  /** True where no pattern is given. */
  ontology?: string[] | true;
}

/** Adds the options. */
export function addReadOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--topics <PATTERNS>",
        "topics to take: names with * for anything, ! before what to leave out",
      )
        .argParser(parsePatterns),
    )
    .addOption(startOption())
    .addOption(endOption())
    .addOption(
      new Option(
        "--ontology [PATTERNS]",
        "known types of ROS and PX4 become the built-in classes (default: on all topics)",
      )
        .argParser(parsePatterns),
    )
    .addOption(
      new Option(
        "--msg-path <DIR>",
        "definitions, PACKAGE/msg/NAME.msg, for recordings of ROS 2 that carry none",
      ),
    )
    .addOption(
      new Option("--integers <AS>", "what integers of 64 bits are read as")
        .choices(["bigint", "number"]).default("bigint"),
    )
    .addOption(new Option("--envelope", "keep what is around messages: publish time, sequence number, order"))
    .addOption(
      new Option("--time <WHICH>", "what orders messages: log, publish, or a field of theirs (header.stamp)")
        .default("log").argParser(parseTimeName),
    )
    .addOption(
      new Option(
        "--time-unit <UNIT>",
        "what numbers in that field count (default: ns; in tables by their size)",
      )
        .choices(["s", "ms", "us", "ns"]),
    )
    .addOption(
      new Option(
        "--topic <NAME>",
        "topic of tables, and of JSON lines that name none (default: the file's name)",
      ),
    )
    .addOption(
      new Option(
        "--separator <CHARACTER>",
        "what is between the cells of CSV, such as ; or \\t (default: as the first lines tell)",
      )
        .argParser(parseSeparator),
    )
    .addOption(
      new Option(
        "--header",
        "the first row of CSV has the columns' names (default: where none of its cells is a number)",
      ),
    )
    .addOption(new Option("--no-header", "the first row of CSV has values as the others"))
    .addOption(
      new Option(
        "--salvage",
        "go on where a file is cut or damaged: leave out what cannot be read, and say what that is",
      ),
    )
    .addOption(
      new Option(
        "--max-record <BYTES>",
        "largest record, chunk or line that is read, such as 2G (default: 512M; lines 64M)",
      )
        .argParser(parseSize),
    );
}

/** The same as an import takes them. Reads definitions. UsageError. */
export async function givenOptions(
  { maxRecord, msgPath, ontology, ...rest }: ReadOptions,
): Promise<Omit<GivenOptions, "name">> {
  // What may follow the option may be a file.
  const taken = Array.isArray(ontology) ? ontology.find((pattern) => existsSync(pattern)) : undefined;
  if (taken !== undefined) {
    throw new UsageError(
      `--ontology took the file ${taken} for a pattern of topics: give the option after the files`,
    );
  }
  return {
    ...rest,
    ...(ontology && { ontology: ontology === true ? ["*"] : ontology }),
    ...(maxRecord !== undefined && { maxRecordBytes: maxRecord }),
    ...(msgPath !== undefined && { definitions: await readDefinitions(msgPath) }),
  };
}
