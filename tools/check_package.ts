/**
 * `deno run -A tools/check_package.ts [SCRIPT]`: packs the npm package, installs it into an empty project and
 * runs a script (an .mjs file that imports "smalti"; without one, the exported names are printed) on every
 * runtime, where it must print the same. Then it starts the command and type-checks a program that uses the
 * package, declarations of the package included.
 *
 * @module
 */
import { formatHost } from "./build.ts";
import { executable, listFiles, loadTypeScript, mustRun, root, runtimeNames } from "./tooling.ts";

const script = Deno.args[0] === undefined
  ? `import * as smalti from "smalti";\nimport * as mcap from "smalti/import";\n` +
    `console.log(Object.keys({ ...smalti, ...mcap }).sort().join(" "));\n`
  : await Deno.readTextFile(Deno.args[0]);

const project = await Deno.makeTempDir({ prefix: "smalti-package-" });
addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
await checkPackage();

async function checkPackage(): Promise<void> {
  await mustRun(["npm", "pack", "--pack-destination", project], { quiet: true });
  const tarball = [...Deno.readDirSync(project)].find(({ name }) => name.endsWith(".tgz"))!.name;
  await Deno.writeTextFile(`${project}/package.json`, `{ "private": true, "type": "module" }\n`);
  const quickly = ["--no-audit", "--no-fund", "--prefer-offline"];
  await mustRun(["npm", "install", ...quickly, `./${tarball}`], { cwd: project, quiet: true });

  await Deno.writeTextFile(`${project}/script.mjs`, script);
  const outputs = new Map<string, string>();
  for (const name of runtimeNames) {
    const runtime = [await executable(name), ...(name === "deno" ? ["run", "-A"] : [])];
    outputs.set(name, await mustRun([...runtime, "script.mjs"], { cwd: project, quiet: true }));
  }
  if (new Set(outputs.values()).size > 1) {
    for (const [name, output] of outputs) console.error(`== ${name}\n${output}`);
    fail("the runtimes print different things");
  }
  console.log(outputs.get("node20")!.trim());

  await mustRun([await executable("node20"), "node_modules/.bin/smalti", "--help"], {
    cwd: project,
    quiet: true,
  });
  await checkSyntax();
  await checkTypes();
}

/** Newer syntax than ES2022 would stop Node 20. */
async function checkSyntax(): Promise<void> {
  for (const file of listFiles("dist", ".js")) {
    const text = await Deno.readTextFile(`${root}/${file}`);
    if (/^\s*(for )?\(?(await )?using [\w$]+ (=|of) /m.test(text)) fail(`${file} has a using declaration`);
  }
}

/** Errors in the user's program and in our declarations; those of dependencies are not ours. */
async function checkTypes(): Promise<void> {
  await Deno.writeTextFile(
    `${project}/program.ts`,
    `import * as smalti from "smalti";\nimport * as mcap from "smalti/import";\nexport default { smalti, mcap };\n`,
  );
  const ts = await loadTypeScript();
  const program = ts.createProgram([`${project}/program.ts`], {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    module: ts.ModuleKind.NodeNext,
    strict: true,
    noEmit: true,
    types: [],
  });
  const errors = ts.getPreEmitDiagnostics(program)
    .filter(({ file }) =>
      !file || file.fileName.includes("/smalti/dist/") || file.fileName.endsWith("/program.ts")
    );
  if (errors.length > 0) fail(ts.formatDiagnostics(errors, formatHost));
}

function fail(message: string): never {
  console.error(`check_package: ${message}`);
  Deno.exit(1);
}
