import * as smalti from "smalti";
import * as pictures from "smalti/image";
import { check } from "./support.mjs";

console.log(Object.keys(pictures).sort().join(" "));

const { ontology } = smalti;
const depth = pictures.imageFromPixels({
  width: 3,
  height: 1,
  encoding: "16UC1",
  data: Uint16Array.of(1, 2, 500),
});
const client = await smalti.connect("memory:");
await client.sequenceCreate("drive", {}, async (sequence) => {
  const topic = await sequence.topicCreate("depth", { ontology: ontology.Image });
  await topic.push({ timestampNs: 0n, data: await pictures.packImage(depth) });
});
for await (const message of (await client.topicHandler("drive", "depth")).getDataStreamer()) {
  const { data } = await pictures.imageSamples(message.getData(ontology.Image));
  check("depth", data.join(), "1,2,500");
}
await client.close();

const pixels = { width: 8, height: 8, data: new Uint8Array(256).fill(200) };
const png = await pictures.decodeImage(await pictures.encodeImage(pixels));
check("png", png.data.join(), pixels.data.join());
// The optional package is not installed here: Bun does without, the others say what is missing.
const jpeg = await pictures.encodeImage(pixels, { format: "jpeg" }).catch((reason) => reason);
const isDone = globalThis.Bun?.Image
  ? jpeg.data?.[0] === 0xff && jpeg.data[1] === 0xd8
  : jpeg.code === "UNSUPPORTED" && jpeg.message.includes("npm install jpeg-js");
check("jpeg without jpeg-js", isDone, true);
