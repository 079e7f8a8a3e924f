import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as smaltiModule from "../../mod.ts";
import { type Client, connect, type FieldSchema, type Ontology, type SequenceHandler } from "../../mod.ts";
import { typeSource } from "../../src/cli/type_source.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { FLIGHT, makeTemporary, needsBuild, smalti } from "../support/cli_process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The library's declarations and sources, parsed once. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** What the compiler says of a module that imports smalti, in strict mode. */
function typeErrors(source: string): string[] {
  const path = `${root}tests/generated.ts`;
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    paths: { smalti: [`${root}mod.ts`] },
    strict: true,
    exactOptionalPropertyTypes: true,
    noUnusedLocals: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.getSourceFile = (name, ...rest) => {
    if (name === path) return ts.createSourceFile(name, source, ts.ScriptTarget.ESNext);
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...rest));
    return parsed.get(name);
  };
  const program = ts.createProgram([path], options, host);
  const file = program.getSourceFile(path)!;
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
}

/** What such a module exports when it runs. */
function run(source: string): Record<string, Ontology<Record<string, unknown>>> {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exports = {};
  new Function("exports", "require", outputText)(exports, () => smaltiModule);
  return exports;
}

async function typesOf(handler: SequenceHandler): Promise<string> {
  const topics = await Promise.all(handler.topics.map(({ name }) => handler.topicHandler(name)));
  return typeSource(handler.name, topics);
}

describe("typeSource of the example flight", () => {
  let client: Client;
  let handler: SequenceHandler;
  let source: string;
  beforeAll(async () => {
    client = await connect("memory:");
    await importMcap(client, await openFile(FLIGHT), { name: "flight" });
    handler = await client.sequenceHandler("flight");
    source = await typesOf(handler);
  });
  afterAll(() => client.close());

  it("type-checks, with the types of what is read", () => {
    const use = `
      import type { Message } from "smalti";
      declare const message: Message;
      const position = message.getData(VehicleGpsPosition);
      export const lat: bigint | undefined = position.lat;
      export const q: number | undefined = message.getData(VehicleAttitude)["q[0]"];
      export const same: VehicleGpsPosition = position;
    `;
    expect(typeErrors(source + use)).toEqual([]);
    // Types of its own: another name or type is refused.
    expect(typeErrors(`${source}${use}
      export const none = position.latt;
      export const text: string | undefined = position.lat;
    `)).toEqual([
      expect.stringContaining("'latt' does not exist"),
      expect.stringContaining("'bigint | undefined' is not assignable to type 'string | undefined'"),
    ]);
  });

  it("reads every topic, each ontology once", async () => {
    const ontologies = Object.values(run(source));
    expect(new Set(ontologies.map(({ tag }) => tag)).size).toBe(ontologies.length);
    const unread = new Set(handler.topics.map(({ name }) => name));
    expect(unread.size).toBe(70);
    for await (const [topic, message] of handler.getDataStreamer()) {
      if (!unread.delete(topic)) continue;
      const ontology = ontologies.find(({ tag }) => tag === message.ontologyTag)!;
      expect(Object.keys(message.toJSON().data)).toEqual(ontology.fields.map(({ name }) => name));
      const [{ name }] = ontology.fields;
      expect(message.getData(ontology)[name]).toBe(message.data[name]);
    }
    expect([...unread]).toEqual([]);
    expect(source).toContain("// Topics actuator_outputs/0, actuator_outputs/1.\n");
  });
});

describe("typeSource", () => {
  const field = (name: string, type: FieldSchema["type"], more: Partial<FieldSchema> = {}): FieldSchema => ({
    name,
    type,
    nullable: true,
    children: [],
    ...more,
  });
  const flag = field("a", { kind: "bool" });
  const time = field("timestamp_ns", { kind: "int", bits: 64, signed: true });
  const topic = (name: string, ontologyTag: string, ...fields: FieldSchema[]) => ({
    name,
    ontologyTag,
    serializationFormat: "default" as const,
    fields: [time, ...fields],
  });

  it("takes the built-in class where the columns are its own", () => {
    const { GPS, ontology } = smaltiModule;
    const source = typeSource("s", [
      topic("own", "px4/GPS", flag),
      topic("gps", "GPS", ...GPS.fields),
      topic("other", "GPS", { ...flag, nullable: true }),
      topic("another", "GPS", { ...flag, nullable: false }),
      topic("camera", "Image", ...ontology.Image.fields),
    ]);
    expect(typeErrors(source)).toEqual([]);
    const exports = run(source);
    expect(Object.keys(exports).sort()).toEqual(["GPS", "GPS2", "GPS3", "Image"]);
    expect([exports.GPS, exports.Image]).toEqual([GPS, ontology.Image]);
    expect([exports.GPS2.tag, exports.GPS3.tag]).toEqual(["px4/GPS", "GPS"]);
    expect(source).toContain(
      `// Topic another.\n// Nothing to define: "GPS" is the tag of a built-in class, and field "${flag.name}" is missing`,
    );
  });

  it("makes the same columns again, with their units and descriptions", () => {
    const S = smaltiModule;
    const Kinds = S.defineOntology("a b/kinds-of.things", {
      flag: S.bool(),
      small: S.uint8({ unit: "m", description: `"quoted"\n*/ \u2028 end` }),
      half: S.optional(S.float16()),
      bytes: S.optional(S.binary()),
      rows: S.list(S.optional(S.list(S.float32({ unit: "K" })))),
      matrix: S.fixedSizeList(S.int64(), 9, { description: "by rows" }),
      inner: S.optional(S.struct({ "in": S.utf8(), "a-b": S.struct({ x: S.uint64() }, { unit: "1" }) })),
      ["__proto__"]: S.int16(),
      "0a": S.int32(),
      größe: S.int8(),
    }, { format: "ragged" });
    const topics = [{ ...topic("t", Kinds.tag, ...Kinds.fields), serializationFormat: Kinds.format }];
    const source = typeSource("s", topics);
    expect(typeErrors(source)).toEqual([]);
    const { Things } = run(source);
    expect(Things).toMatchObject({ tag: Kinds.tag, format: "ragged", fields: Kinds.fields });
    expect(Things.fields).toEqual(Kinds.fields);
  });

  it("gives each ontology a name that is legal and its own", () => {
    const tags = ["pkg/a_b", "other.A_b", "x::AB", "3d", "", "//", "Infer", "ünï çødé", "日本"];
    const source = typeSource("s", tags.map((tag, i) => topic(`t${i}`, tag, flag)));
    expect(typeErrors(source)).toEqual([]);
    expect(Object.entries(run(source)).map(([name, { tag }]) => [name, tag]).sort()).toEqual([
      ["AB", "pkg/a_b"],
      ["AB2", "other.A_b"],
      ["AB3", "x::AB"],
      ["Infer2", "Infer"],
      ["Type", "//"],
      ["Type3d", "3d"],
      ["ÜnïÇødé", "ünï çødé"],
      ["日本", "日本"],
    ].sort());
    expect(source).toContain("// Topic t4.\n// Nothing to define: no ontology is named.\n");
  });

  it("leaves out what no field maker makes, and says so", () => {
    const index = { bits: 32, signed: true } as const;
    const source = typeSource("s", [
      topic(
        "t",
        "T",
        flag,
        field("none\u2028export const evil = 1;", { kind: "null" }),
        field("list", { kind: "list", offsets: 32 }, { children: [field("item", { kind: "utf8View" })] }),
        field("large", { kind: "utf8", offsets: 64 }),
        field("coded", { kind: "utf8", offsets: 32 }, { dictionary: { id: 0n, index } }),
        field("price", { kind: "decimal", bits: 64, precision: 9, scale: 2 }),
        flag,
      ),
      topic("empty", "U", field("none", { kind: "null" })),
    ]);
    expect(typeErrors(source)).toEqual([]);
    const exports = run(source);
    expect(Object.keys(exports)).toEqual(["T"]);
    // What is in an encoding is what it stands for.
    expect(exports.T.fields.map(({ name }) => name)).toEqual(["a", "list", "coded", "price"]);
    expect(source).toContain("  price: optional(decimal(9, 2)),\n");
    expect(source).toContain(`// Left out: "large" (utf8).\n`);
    expect(source).toContain(`// Topic empty.\n// Nothing to define: no field maker makes the columns.\n`);
  });
});

describe.skipIf(needsBuild)(`smalti types${needsBuild}`, () => {
  it("writes the module to stdout", async () => {
    const { directory, remove } = await makeTemporary();
    try {
      await smalti("import", FLIGHT, "--store", directory, "--integers", "number");
      const { code, stdout, stderr } = await smalti("types", "flight", "--store", directory);
      expect([code, stderr]).toEqual([0, ""]);
      await using client = await connect(directory);
      expect(stdout).toBe(await typesOf(await client.sequenceHandler("flight")));
      expect(stdout).toContain("  lat: optional(float64()),\n");
      const missing = await smalti("types", "nope", "--store", directory);
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining(`"nope"`)]);
    } finally {
      await remove();
    }
  });
});
