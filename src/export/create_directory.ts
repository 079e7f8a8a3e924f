import type * as FsPromises from "node:fs/promises";
import { SmaltiError } from "../error.ts";
import { fileError } from "../store/directory/file_error.ts";
import { builtin } from "../util/builtin.ts";
import { alreadyExists, exists, newFile, temporaryName } from "./create_file.ts";
import { checkFileName, type OutputDirectory } from "./output_directory.ts";

const { mkdir, rename, rm } = builtin<typeof FsPromises>("node:fs/promises");

/**
 * Creates a directory for an export of several files, on Deno, Bun and Node. It is written under another name
 * (`PATH.*.part`), and has its own once all files are on the disk, when it is closed. Aborted, nothing of it stays.
 *
 * Rejects with ALREADY_EXISTS where there is something at the path, NOT_FOUND where the directory around it is missing,
 * PERMISSION_DENIED, NO_SPACE, UNSUPPORTED where the runtime has no files, else IO; its files and closing with the same.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createDirectory, exportArrow } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportArrow(handler, await createDirectory("drive_log_01"));
 * ```
 */
export async function createDirectory(path: string): Promise<OutputDirectory> {
  const place = path.replace(/(?<=.)\/+$/, "");
  if (mkdir === undefined) {
    throw new SmaltiError("UNSUPPORTED", `Cannot create ${place}: this runtime has no files`);
  }
  if (await exists(place)) throw alreadyExists(place);
  const temporary = temporaryName(place);
  const create = async (directory: string, shown: string, recursive: boolean) => {
    await mkdir(directory, { recursive }).catch((reason) => {
      throw fileError(reason, "create", shown);
    });
  };
  await create(temporary, place, false);
  return {
    async file(name) {
      checkFileName(name, place);
      const shown = `${place}/${name}`;
      const file = `${temporary}/${name}`;
      await create(file.slice(0, file.lastIndexOf("/")), shown, true);
      return await newFile(file, shown, () => Promise.resolve());
    },
    async close() {
      // `rename` would replace an empty directory that came there meanwhile.
      if (await exists(place)) throw alreadyExists(place);
      await rename(temporary, place).catch((reason) => {
        throw fileError(reason, "create", place);
      });
    },
    async abort() {
      await rm(temporary, { recursive: true, force: true }).catch(() => {});
    },
  };
}
