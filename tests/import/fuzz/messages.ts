/**
 * Messages and their schemas, in files that are sound.
 *
 * @module
 */
import { file, record, sized, u16, u32, u64 } from "../mcap_parts.ts";
import { check, type FuzzTarget } from "./check.ts";
import { mutate, mutateText } from "./mutate.ts";
import { type Sample, samplesOf } from "./samples.ts";

const words = (text: string) => text.split(" ");

/** What definitions of ROS are made of. */
export const ROS_TOKENS: readonly string[] = [
  ...[
    "\n",
    "\r\n",
    "\t",
    "\0",
    "=".repeat(80) + "\n",
    "MSG: T\n",
    "MSG: std_msgs/Header\n",
    "IDL: a/b\n",
    "unsigned long",
    "long long",
  ],
  ...["int32 x\n", "T t\n", "T[3] t\n", "string s\n"],
  ...words(
    "bool byte char int8 uint8 int16 uint16 int32 uint32 int64 uint64 float32 float64 string wstring time duration",
  ),
  ...words(
    "Header std_msgs/Header builtin_interfaces/Time a/b/c T long octet struct module union switch case enum typedef const",
  ),
  ...words(
    "sequence sequence<T,3> string<=5 string<3> map<string,T> [] [][] [3] [0] [-1] [<=5] [<=-1] [99999999999] [4294967295]",
  ),
  ...words(
    `@key @default @verbatim( = 1 -1 1e9 0x7f 'a' "a" # // /* */ ; { } < > : :: __proto__ constructor _json _raw timestamp_ns é 😀`,
  ),
];

/** Files of one topic, whose definition and messages are damaged, not what they are in. */
export async function messagesTarget(
  isWanted: (sample: Sample) => boolean,
  tokens?: readonly string[],
): Promise<FuzzTarget> {
  const { importMcap } = await import("../../../src/import/mcap/import_mcap.ts");
  const samples = samplesOf(isWanted);
  if (samples.length === 0) throw new Error("there are no such messages");
  const schemas = samples.map(({ schema }) => schema.data);
  return async (random, keep) => {
    const { schema, encoding, messages } = random.pick(samples);
    const data = random.oneIn(3)
      ? schema.data
      : tokens && !random.oneIn(4)
      ? mutateText(schema.data, random, schemas, tokens)
      : mutate(schema.data, random, schemas);
    const list = Array.from({ length: 1 + random.below(6) }, () => {
      const message = random.pick(messages);
      return random.oneIn(2) ? message : mutate(message, random, messages);
    });
    const bytes = file(
      record(3, u16(1), sized(schema.name), sized(schema.encoding), sized(data)),
      record(4, u16(1), u16(1), sized("/a"), sized(encoding), sized("")),
      ...list.map((data, i) => record(5, u16(1), u32(i), u64(i), u64(i), data)),
    );
    keep(bytes);
    const options = {
      ...(random.oneIn(3) && { time: random.pick(["header.stamp", "stamp", "timestamp", "publish"]) }),
      ...(random.oneIn(3) && { ontology: ["*"] }),
    };
    return await check(importMcap, bytes, random, { options });
  };
}
