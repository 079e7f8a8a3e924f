/**
 * The viewer for other pages: importing it defines `<smalti-viewer>`.
 *
 * @module
 */
import "./panels/all.ts";
import { SmaltiViewer } from "./app/viewer.ts";

export { type Panel, type PanelContext, type PanelDefinition, registerPanel } from "./panels/panel.ts";
export { SmaltiViewer };

if (!customElements.get("smalti-viewer")) customElements.define("smalti-viewer", SmaltiViewer);
