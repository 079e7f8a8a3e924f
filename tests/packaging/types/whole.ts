/**
 * What `smalti` has beside the core.
 *
 * @module
 */
import type { Table } from "apache-arrow";
import { connect, ontology } from "smalti";
import { createFile, exportJsonLines } from "smalti/export";
import {
  decodeImage,
  encodeImage,
  imageFromPixels,
  imageToRgba,
  type Pixels,
  type RgbaPixels,
} from "smalti/image";
import { importMcap, openFile } from "smalti/import";
import { createServer } from "smalti/server";

export async function serve(): Promise<string> {
  const client = await connect("grpc://127.0.0.1:6726", { arrow: () => import("apache-arrow") });
  await importMcap(client, await openFile("flight.mcap"), { name: "flight" });
  await exportJsonLines(await client.sequenceHandler("flight"), await createFile("flight.ndjson"));
  const table: Table = await (await client.topicHandler("flight", "gps")).getDataStreamer().toTable();
  const server = await createServer(client, { port: table.numRows });
  return server.url;
}

export async function picture(pixels: Pixels): Promise<RgbaPixels> {
  const client = await connect("memory:");
  await client.sequenceCreate("drive", {}, async (sequence) => {
    const camera = await sequence.topicCreate("camera", { ontology: ontology.Image });
    await camera.push({ timestampNs: 0n, data: imageFromPixels(pixels) });
  });
  return imageToRgba(await decodeImage(await encodeImage(pixels, { format: "png" })));
}
