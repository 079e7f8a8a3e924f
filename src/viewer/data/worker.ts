/**
 * The worker of one recording: `new Worker(new URL("../data/worker.ts", import.meta.url), { type: "module" })`.
 *
 * @module
 */
import { connectFor } from "../../entry/web.ts";
import { Session, type SessionPort } from "./session.ts";

/** As a file of its own: it is smaller than as text, and loads while the rest starts. */
const wasm = new URL("../../engine/generated/smalti.wasm", import.meta.url);

// The engine is on its way before the page asks for anything. What fails is told of then.
connectFor()(import.meta.url, { wasm }).then((client) => client.close(), () => {});

new Session(globalThis as unknown as SessionPort, {
  connect: (place, options, sequence) => connectFor(sequence)(place, { wasm, ...options }),
});
