/** Files out of the page, and into it. */

/** Has the browser save a file. */
export function saveFile(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name.replace(/[\\/:*?"<>|\p{Cc}]/gu, "_");
  link.click();
  // Some browsers begin to read it later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Has the user choose a file; undefined where none was. */
export async function chooseFile(accept: string): Promise<File | undefined> {
  return (await chooseFiles({ accept, multiple: false }))[0];
}

/** Has the user choose files; none where it was given up. */
export function chooseFiles(
  { accept = "", multiple = true }: { accept?: string; multiple?: boolean } = {},
): Promise<File[]> {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept, multiple });
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve([...input.files ?? []]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}

/** All files of what was dropped, those in folders too. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  // Entries are asked for at once: after the event the list is empty.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [
      await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
    ];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  while (true) {
    // A folder is told in parts.
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (part.length === 0) return found;
    for (const inner of part) found.push(...await filesOf(inner));
  }
}
