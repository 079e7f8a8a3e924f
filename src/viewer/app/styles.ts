/** The look of everything within the component: colours and sizes by name first, to which everything else refers. */
import dialogs from "./styles/dialogs.css?inline";
import docks from "./styles/docks.css?inline";
import frame from "./styles/frame.css?inline";
import panels from "./styles/panels.css?inline";
import timeline from "./styles/timeline.css?inline";
import tokens from "./styles/tokens.css?inline";

/** All of it; what comes later counts. */
export const styles: string = [tokens, frame, timeline, dialogs, panels, docks].join("\n");
