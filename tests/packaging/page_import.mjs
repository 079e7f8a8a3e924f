/**
 * A page whose worker imports recordings from Blobs: reports how many messages each has.
 *
 * @module
 */
const NAMES = ["every_type.mcap", "fake_joint_state-bz2.bag", "talker.db3", "test_ulog.ulg"];

const worker = new Worker(new URL("import_worker.js", import.meta.url), { type: "module" });
worker.onerror = ({ message }) => console.log(`failed ${message}`);
worker.onmessage = ({ data: { counts, failed } }) => {
  console.log(failed === undefined ? `result ${JSON.stringify(counts)}` : `failed ${failed}`);
};
const files = {};
for (const name of NAMES) files[name] = await (await fetch(`/logs/${name}`)).blob();
worker.postMessage(files);
