/**
 * The worker of one recording: `new Worker(new URL("../data/worker.ts", import.meta.url), { type: "module" })`.
 *
 * @module
 */
import { connect } from "../../entry/browser.ts";
import { Session, type SessionPort } from "./session.ts";

new Session(globalThis as unknown as SessionPort, { connect });
