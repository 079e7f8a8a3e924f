import { Command } from "commander";
import { addCompact } from "./compact.ts";
import { addConvert } from "./convert.ts";
import { addCopy } from "./copy.ts";
import { addCut } from "./cut.ts";
import { addDemo } from "./demo.ts";
import { addExport } from "./export.ts";
import { addFilter } from "./filter.ts";
import { addImport } from "./import.ts";
import { addInfo } from "./info.ts";
import { addLs } from "./ls.ts";
import { addMerge } from "./merge.ts";
import { addPlay } from "./play.ts";
import { addRecover } from "./recover.ts";
import { addRm } from "./rm.ts";
import { addServe } from "./serve.ts";
import { addSplits } from "./splits.ts";
import { addTypes } from "./types.ts";
import { addVerify } from "./verify.ts";
import { addView } from "./view.ts";
import { VERSION } from "../version.ts";
import type { Context } from "./context.ts";

/** The commands and their arguments. Parsing rejects with commander's error where they are wrong. */
export function createProgram(context: Context): Command {
  const program = new Command("smalti")
    .description("Records multi-sensor time series to Arrow files and replays them in strict time order.")
    .version(VERSION)
    .helpCommand(true)
    .showHelpAfterError("(--help tells how it is used)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.out.write(text),
      writeErr: (text) => context.complaint += text,
      outputError: (text, write) => write(text.replace(/^error: /, "smalti: ")),
    });
  const commands = [
    addImport,
    addLs,
    addInfo,
    addTypes,
    addPlay,
    addExport,
    addConvert,
    addFilter,
    addMerge,
    addCut,
    addCopy,
    addVerify,
    addRecover,
    addCompact,
    addRm,
    addSplits,
    addView,
    addServe,
    addDemo,
  ];
  for (const add of commands) add(program, context);
  return program;
}
