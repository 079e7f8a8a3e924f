import { count } from "./number_text.ts";
import { writeError } from "./output.ts";
import { printable } from "./printable.ts";

/** So many are told one by one. */
const MAX_TOLD = 20;

/** Flaws as reports tell of them. */
interface ToldFlaws {
  readonly flaws: readonly { file?: string; message: string; lost?: string }[];
  readonly flawCounts: Readonly<Record<string, number>>;
}

/** Says on stderr what is wrong with a file that was imported, in lines that begin with `prefix`. */
export async function writeFlaws(
  { flaws, flawCounts }: ToldFlaws,
  prefix: string,
  { what, done }: { what: string; done: string } = { what: "file", done: "imported" },
): Promise<void> {
  const kinds = Object.entries(flawCounts);
  const total = kinds.reduce((sum, [, number]) => sum + number, 0);
  if (total === 0) return;
  for (const { file, message, lost } of flaws.slice(0, MAX_TOLD)) {
    await writeError(
      `${prefix}${file === undefined ? "" : `${printable(file)}: `}${printable(message)}${
        lost === undefined ? "" : `; left out: ${printable(lost)}`
      }\n`,
    );
  }
  if (total > MAX_TOLD) await writeError(`${prefix}and ${total - MAX_TOLD} more\n`);
  const isLossy = flaws.some(({ lost }) => lost !== undefined);
  const outcome = isLossy ? `what is left out is above; all else was ${done}` : "nothing was lost for it";
  const told = kinds.map(([kind, number]) => `${kind} ${number}`).join(", ");
  await writeError(`${prefix}the ${what} has ${count(total, "flaw")} (${told}): ${outcome}\n`);
}
