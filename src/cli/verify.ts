/**
 * `smalti verify [NAME] [--deep]`: says what is damaged of a sequence, or of all.
 *
 * @module
 */
import type { Command } from "commander";
import { SmaltiError } from "../error.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { Client } from "../client.ts";
import { optionalNameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { count } from "./number_text.ts";
import { withClient, withSequence } from "./open.ts";
import { printable } from "./printable.ts";
import { startProgress } from "./progress.ts";

/** Adds the command. */
export function addVerify(program: Command, context: Context): void {
  program.command("verify")
    .description(
      "Checks a sequence, or all of them, and says what is damaged: manifests, footers and counts.",
    )
    .addArgument(optionalNameArgument())
    .option("--deep", "read everything: every checksum, and the order of the rows", false)
    .addOption(storeOption())
    .action(async (name: string | undefined, { store, deep }: { store: string; deep: boolean }) => {
      if (name !== undefined) {
        return await withSequence(store, name, (handler) => verify(context, handler, deep));
      }
      await withClient(store, async (client) => {
        for (const name of await client.listSequences()) await verifyAny(context, client, name, deep);
      });
    });
}

/** One of all: what cannot be opened is a finding like others, and what is being recorded is none. */
async function verifyAny(context: Context, client: Client, name: string, deep: boolean): Promise<void> {
  const { out } = context;
  let handler: SequenceHandler;
  try {
    handler = await client.sequenceHandler(name);
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || reason.code === "INTERNAL") throw reason;
    // Directories that hold something else are no sequences.
    if (reason.code === "NOT_FOUND") return;
    const isRecording = reason.code === "LOCKED" && /being recorded by/.test(reason.rawMessage);
    if (!isRecording) context.exitCode = 1;
    await out.write(`${printable(name)}: ${isRecording ? "not checked" : "failed"}: ${errorText(reason)}\n`);
    return;
  }
  await verify(context, handler, deep);
}

async function verify(context: Context, handler: SequenceHandler, deep: boolean): Promise<void> {
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
        const errors = await (await handler.topicHandler(name)).verify({ deep, signal, onRows });
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
