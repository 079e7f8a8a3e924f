/**
 * TypeScript projects of users: each folder of tests/packaging/types/ is one, with a tsconfig.json of its own.
 *
 * @module
 */
import { formatHost } from "../build.ts";
import { loadTypeScript, root } from "../tooling.ts";
import { packaging } from "./bundle.ts";
import { fail, type Project } from "./project.ts";
import { writeViewerExample } from "./viewer.ts";

/**
 * Type-checks them all, declarations of packages too. Where `smalti` is installed, those of the packages that it brings are
 * not ours to mend; with the core nothing may be wrong at all.
 */
export async function checkTypes(project: Project): Promise<void> {
  const ts = await loadTypeScript();
  const complaints: string[] = [];
  const panel = project.name === "smalti" ? [writeViewerExample(project)] : [];
  for (const { name, isDirectory } of Deno.readDirSync(`${project.path}/types`)) {
    // The web's own types, AbortSignal and URL, have to come from somewhere; apache-arrow brings those of Node.
    if (!isDirectory || project.name === "smalti-core" && ["esnext", "examples"].includes(name)) continue;
    const directory = `${project.path}/types/${name}`;
    const { config, error } = ts.readConfigFile(`${directory}/tsconfig.json`, ts.sys.readFile);
    if (error) fail(ts.formatDiagnostics([error], formatHost));
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, directory);
    options.typeRoots = [`${root}/tests/node_modules/@types`, `${packaging}/node_modules/@types`];
    const more = project.name === "smalti" && !["commonjs", "examples"].includes(name)
      ? [`${project.path}/types/whole.ts`, ...hasDom(options) ? panel : []]
      : [];
    const program = ts.createProgram([...fileNames, ...more], options);
    const errors = ts.getPreEmitDiagnostics(program).filter(({ file }) =>
      project.name === "smalti-core" || !file || !file.fileName.includes("/node_modules/") ||
      /\/node_modules\/smalti(-core)?\//.test(file.fileName)
    );
    if (errors.length > 0) complaints.push(`== types/${name}\n${ts.formatDiagnostics(errors, formatHost)}`);
  }
  // The compiler leaves out what is marked so, with the mark.
  const published = ["smalti", "smalti-core"].map((name) => `${project.path}/node_modules/${name}/`)
    .flatMap((path) => ts.sys.readDirectory(path, [".d.ts"], ["**/node_modules/**"]))
    .filter((path) => Deno.readTextFileSync(path).includes("@internal"));
  if (published.length > 0) complaints.push(`Internals are published in ${published.join(", ")}`);
  if (complaints.length > 0) fail(`${project.name}:\n${complaints.join("\n")}`);
}

/** A component is of use where there are elements. */
function hasDom({ lib = [] }: { lib?: string[] }): boolean {
  return lib.some((name) => /dom/i.test(name));
}
