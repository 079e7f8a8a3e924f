/**
 * `smalti verify NAME`: reads all of a sequence and says what is damaged.
 *
 * @module
 */
import type { Command } from "commander";
import { SmaltiError } from "../error.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { nameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { count } from "./number_text.ts";
import { withSequence } from "./open.ts";
import { printable } from "./printable.ts";
import { startProgress } from "./progress.ts";

/** Adds the command. */
export function addVerify(program: Command, context: Context): void {
  program.command("verify")
    .description(
      "Reads all of a sequence, checks every checksum, the order and the counts, and says what is damaged.",
    )
    .addArgument(nameArgument())
    .addOption(storeOption())
    .action(async (name: string, { store }: { store: string }) => {
      await withSequence(store, name, (handler) => verify(context, handler));
    });
}

async function verify(context: Context, handler: SequenceHandler): Promise<void> {
  const { out, signal } = context;
  const progress = await startProgress("verifying");
  // Lines go out at the end: a bar and results on one terminal would garble each other.
  const lines: string[] = [];
  let damaged = 0;
  let rowsBefore = 0;
  const check = async (
    what: string,
    body: () => Promise<{ ok: string; errors: SmaltiError[] }>,
  ): Promise<void> => {
    let errors: SmaltiError[];
    try {
      const result = await body();
      if (result.errors.length === 0) {
        lines.push(`${printable(what)}: ok, ${result.ok}\n`);
        return;
      }
      errors = result.errors;
    } catch (reason) {
      signal.throwIfAborted();
      if (!(reason instanceof SmaltiError) || reason.code === "INTERNAL") throw reason;
      errors = [reason];
    }
    damaged++;
    for (const error of errors) {
      lines.push(
        `${printable(what)}: ${error.code === "CORRUPT" ? "damaged" : "failed"}: ${errorText(error)}\n`,
      );
    }
  };
  try {
    for (const { name, rowCount } of handler.topics) {
      await check(name, async () => {
        const onRows = (rows: number) => progress.update(rowsBefore + rows, handler.rowCount);
        const errors = await (await handler.topicHandler(name)).verify({ signal, onRows });
        return { ok: count(rowCount, "row"), errors };
      });
      rowsBefore += rowCount;
    }
    for (const attachment of handler.attachments) {
      await check(`attachment ${attachment.name}`, async () => {
        return { ok: count((await handler.readAttachment(attachment)).length, "byte"), errors: [] };
      });
    }
  } finally {
    progress.stop();
    await out.write(lines.join(""));
  }
  const total = handler.topics.length + handler.attachments.length;
  if (damaged > 0) {
    context.exitCode = 1;
    await out.write(`${handler.name}: ${damaged} of ${total} damaged\n`);
  } else {
    await out.write(
      `${handler.name}: ok, ${count(handler.topics.length, "topic")}, ${count(handler.rowCount, "row")}\n`,
    );
  }
}
