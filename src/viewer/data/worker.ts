/**
 * The worker of one recording. The engine's module is a file beside it: a third less to load than the text that the library
 * brings, and compiled while it comes.
 *
 * @module
 */
import wasm from "../../engine/generated/smalti.wasm?url";
import { type Connect, connect } from "../../entry/slim.ts";
import { Session, type SessionPort } from "./session.ts";

// One compiled module for all that is opened: what is dropped on the page, too.
const url = new URL(wasm, import.meta.url);
const connectWithWasm: Connect = (place, options) => connect(place, { wasm: url, ...options });

new Session(globalThis as unknown as SessionPort, { connect: connectWithWasm });
