/**
 * The worker of one recording: `new Worker(new URL("../data/worker.ts", import.meta.url), { type: "module" })`.
 *
 * @module
 */
import { connect } from "../../entry/slim.ts";
import { Session, type SessionPort } from "./session.ts";

/** As a file of its own: it is smaller than as text, and loads while the rest starts. */
const wasm = new URL("../../engine/generated/smalti.wasm", import.meta.url);

// The engine, and what reads web servers, are on their way before the page asks for anything. What fails is told of then.
connect(import.meta.url, { wasm }).then((client) => client.close(), () => {});

new Session(globalThis as unknown as SessionPort, {
  connect: (place, options) => connect(place, { wasm, ...options }),
});
