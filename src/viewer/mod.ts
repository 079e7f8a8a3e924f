/**
 * The viewer for other pages: importing it defines `<smalti-viewer>`.
 *
 * @module
 */
import "./panels/all.ts";
import { SmaltiViewer } from "./app/viewer.ts";

export type { DataClient } from "./data/client.ts";
export type { AtAnswer, RecordingInfo, TopicSummary, TopicWish } from "./data/protocol.ts";
export { type Panel, type PanelContext, type PanelDefinition, registerPanel } from "./panels/panel.ts";
export type { ShownRecording } from "./panels/panel.ts";
export type { Clock } from "./time/clock.ts";
export { SmaltiViewer };

declare global {
  interface HTMLElementTagNameMap {
    "smalti-viewer": SmaltiViewer;
  }
}

if (!customElements.get("smalti-viewer")) customElements.define("smalti-viewer", SmaltiViewer);
