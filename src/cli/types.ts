/**
 * `smalti types NAME`: TypeScript for what a sequence holds.
 *
 * @module
 */
import type { Command } from "commander";
import { nameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { withSequence } from "./open.ts";

/** Adds the command. */
export function addTypes(program: Command, { out }: Context): void {
  program.command("types")
    .description(
      "Writes TypeScript for what a sequence holds: an ontology and a type for each kind of topic.",
    )
    .addArgument(nameArgument())
    .addOption(storeOption())
    .action(async (name: string, { store }: { store: string }) => {
      const { typeSource } = await import("./type_source.ts");
      await withSequence(store, name, async (handler) => {
        const topics = await Promise.all(handler.topics.map((topic) => handler.topicHandler(topic.name)));
        await out.write(typeSource(name, topics));
      });
    });
}
