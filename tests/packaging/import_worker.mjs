/**
 * A worker that imports files that it is sent, as Blobs, and sends back how many messages they have.
 *
 * @module
 */
import { connect } from "smalti";
import { importBag, importDb3, importMcap, importUlog } from "smalti/import";

const IMPORTERS = { bag: importBag, db3: importDb3, mcap: importMcap, ulg: importUlog };

self.onmessage = async ({ data: files }) => {
  try {
    const counts = {};
    for (const [name, blob] of Object.entries(files)) {
      const client = await connect("memory:");
      const report = await IMPORTERS[name.split(".").at(-1)](client, blob, { name: "imported" });
      counts[name] = report.messageCount;
      await client.close();
    }
    self.postMessage({ counts });
  } catch (reason) {
    self.postMessage({ failed: String(reason?.stack ?? reason) });
  }
};
