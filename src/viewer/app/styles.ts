/** The look of everything within the component. */
import { css, type CSSResult } from "lit";

/** Colours and sizes by name, dark and light; everything else refers to them. */
export const tokens: CSSResult = css`
  :host {
    --bg: #14181d;
    --panel: #191e24;
    --raised: #212831;
    --border: #2b333d;
    --text: #d9dfe7;
    --muted: #97a3b2;
    --accent: #5aa9ff;
    --on-accent: #0c1116;
    --chosen: #22364c;
    --hover: #262e38;
    --cursor: #ff5a52;
    --mark: #e8d84a;
    --bad: #ff8a80;
    --shadow: 0 12px 40px rgb(0 0 0 / 50%);
    color-scheme: dark;
    display: block;
    position: relative;
    overflow: hidden;
    min-height: 240px;
    color: var(--text);
    background: var(--bg);
    font: 13px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    font-variant-numeric: tabular-nums;
  }
  :host([data-theme="light"]) {
    --bg: #eef1f4;
    --panel: #ffffff;
    --raised: #f4f6f8;
    --border: #d6dce2;
    --text: #1c232b;
    --muted: #566270;
    --accent: #0b63ce;
    --on-accent: #ffffff;
    --chosen: #dcebfb;
    --hover: #e9eef3;
    --cursor: #d3261f;
    --mark: #8a6d00;
    --bad: #b3261e;
    --shadow: 0 12px 40px rgb(20 30 40 / 22%);
    color-scheme: light;
  }
  :host([hidden]) {
    display: none;
  }
`;

/** The frame: header, tree, panels, timeline. */
const frame = css`
  * {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  .app {
    display: grid;
    grid-template: auto minmax(0, 1fr) auto / auto minmax(0, 1fr);
    grid-template-areas: "header header" "side main" "time time";
    height: 100%;
  }
  button,
  input,
  select {
    font: inherit;
    color: inherit;
  }
  button {
    background: none;
    border: 1px solid transparent;
    border-radius: 5px;
    padding: 3px 8px;
    cursor: pointer;
    white-space: nowrap;
  }
  button:hover {
    background: var(--hover);
  }
  button[aria-pressed="true"] {
    background: var(--chosen);
    color: var(--accent);
  }
  button.primary {
    background: var(--accent);
    color: var(--on-accent);
  }
  input,
  select {
    background: var(--raised);
    border: 1px solid var(--border);
    border-radius: 5px;
    padding: 4px 8px;
    min-width: 0;
  }
  input::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 1px;
  }
  kbd {
    font: 11px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
    border: 1px solid var(--border);
    border-bottom-width: 2px;
    border-radius: 4px;
    padding: 0 5px;
    background: var(--raised);
    color: var(--text);
  }
  .mono {
    font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
    font-size: 12px;
  }
  .muted {
    color: var(--muted);
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .clip {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  header {
    grid-area: header;
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 0 10px;
    height: 42px;
    border-bottom: 1px solid var(--border);
    background: var(--panel);
  }
  header h1 {
    font-size: 14px;
    font-weight: 600;
    margin: 0;
  }
  header .facts {
    display: flex;
    gap: 12px;
    color: var(--muted);
    font-size: 12px;
    min-width: 0;
    flex: 1 1 auto;
    overflow: hidden;
    white-space: nowrap;
  }
  header .actions {
    display: flex;
    gap: 2px;
    align-items: center;
  }
  header .search {
    display: flex;
    gap: 10px;
    align-items: center;
    border-color: var(--border);
    background: var(--raised);
    color: var(--muted);
    min-width: 190px;
    justify-content: space-between;
  }
  .live {
    color: var(--cursor);
    font-weight: 600;
  }

  nav {
    grid-area: side;
    width: 272px;
    display: flex;
    flex-direction: column;
    min-height: 0;
    background: var(--panel);
    border-right: 1px solid var(--border);
    resize: horizontal;
    overflow: hidden;
    max-width: 60vw;
    min-width: 150px;
  }
  nav[hidden] {
    display: none;
  }
  nav .filter {
    padding: 8px;
    display: flex;
  }
  nav .filter input {
    flex: 1;
  }
  [role="tree"] {
    overflow: auto;
    flex: 1;
    padding: 0 4px 12px;
    outline-offset: -2px;
  }
  [role="treeitem"] {
    display: flex;
    align-items: center;
    gap: 6px;
    height: 24px;
    padding: 0 6px;
    border-radius: 5px;
    cursor: default;
    outline-offset: -2px;
  }
  [role="treeitem"]:hover {
    background: var(--hover);
  }
  [role="treeitem"][aria-selected="true"] {
    background: var(--chosen);
  }
  [role="treeitem"] .name {
    flex: 0 1 auto;
  }
  [role="treeitem"] .more {
    margin-left: auto;
    color: var(--muted);
    font-size: 11.5px;
    flex: none;
  }
  [role="treeitem"] .twist {
    width: 10px;
    flex: none;
    color: var(--muted);
    transition: transform 0.1s;
  }
  [role="treeitem"][aria-expanded="true"] .twist {
    transform: rotate(90deg);
  }
  [role="treeitem"][aria-level="2"] {
    padding-left: 22px;
  }
  [role="treeitem"] .plotted {
    width: 8px;
    height: 8px;
    border-radius: 2px;
    background: var(--accent);
    flex: none;
  }

  main {
    grid-area: main;
    min-width: 0;
    min-height: 0;
    position: relative;
  }
  .welcome {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    gap: 10px;
    text-align: center;
    padding: 24px;
  }
  .welcome h2 {
    margin: 0;
    font-size: 18px;
    font-weight: 600;
  }
  .welcome form {
    display: flex;
    gap: 8px;
    width: min(560px, 80vw);
  }
  .welcome form input {
    flex: 1;
  }
  .welcome .list {
    max-height: 50vh;
    overflow: auto;
    text-align: left;
    display: grid;
  }
  .welcome .list button {
    text-align: left;
    display: flex;
    justify-content: space-between;
    gap: 24px;
  }
  .error {
    color: var(--bad);
    overflow-wrap: anywhere;
    max-width: 640px;
  }

  .dragging {
    outline: 2px dashed var(--accent);
    outline-offset: -6px;
  }

  @media (max-width: 720px) {
    nav {
      position: absolute;
      z-index: 5;
      top: 42px;
      bottom: 0;
    }
    header .facts,
    header .wide {
      display: none;
    }
  }
  @media (max-width: 1100px) {
    header .search {
      min-width: 0;
    }
    nav {
      width: 220px;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      transition: none !important;
      animation: none !important;
    }
  }
`;

/** Timeline, dialogs, toasts. */
const pieces = css`
  .time {
    grid-area: time;
    background: var(--panel);
    border-top: 1px solid var(--border);
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    min-width: 0;
  }
  .transport {
    grid-column: 1 / -1;
    display: flex;
    align-items: center;
    gap: 6px;
    padding: 4px 10px;
    min-width: 0;
    overflow: hidden;
  }
  .transport .play {
    width: 34px;
    height: 28px;
    padding: 0;
    border-color: var(--border);
  }
  .transport .clock {
    font-size: 15px;
    min-width: 96px;
    text-align: left;
    font-variant-numeric: tabular-nums;
  }
  .transport .spacer {
    flex: 1;
  }
  .transport select {
    padding: 2px 4px;
  }
  .transport .find {
    display: flex;
    gap: 4px;
    align-items: center;
    flex: 0 1 340px;
    min-width: 90px;
  }
  .transport .find input {
    flex: 1;
    padding: 2px 8px;
  }
  .lanes {
    grid-column: 1 / -1;
    position: relative;
    max-height: 130px;
    min-height: 54px;
    overflow: hidden auto;
    border-top: 1px solid var(--border);
    touch-action: none;
  }
  .lanes .names {
    position: sticky;
    left: 0;
    width: 160px;
    pointer-events: none;
    font-size: 11px;
    color: var(--muted);
    padding-left: 10px;
    height: 0;
  }
  .lanes .names div {
    line-height: 14px;
    height: 14px;
  }
  .overview {
    position: relative;
    grid-column: 1 / -1;
    height: 30px;
    cursor: pointer;
    touch-action: none;
    outline-offset: -2px;
  }
  .overview canvas,
  .lanes canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
  }
  .axis {
    position: absolute;
    inset: auto 0 0;
    height: 14px;
    pointer-events: none;
    font-size: 10.5px;
    color: var(--muted);
    overflow: hidden;
  }
  .axis span {
    position: absolute;
    transform: translateX(4px);
    border-left: 1px solid var(--border);
    padding-left: 4px;
    margin-left: -4px;
    white-space: nowrap;
  }
  .over {
    position: absolute;
    inset: 0;
    pointer-events: none;
    overflow: hidden;
  }
  .window {
    position: absolute;
    top: 0;
    bottom: 0;
    left: 0;
    width: 1px;
    transform-origin: 0 0;
    background: color-mix(in srgb, var(--accent) 14%, transparent);
    border-inline: 1px solid var(--accent);
  }
  .cursor,
  .hover,
  .mark {
    position: absolute;
    top: 0;
    bottom: 0;
    left: -1px;
    width: 2px;
    will-change: transform;
    pointer-events: none;
  }
  .cursor {
    background: var(--cursor);
  }
  .hover {
    width: 1px;
    background: var(--muted);
  }
  .mark {
    width: 1px;
    background: var(--mark);
  }
  .mark::before {
    content: attr(data-name);
    position: absolute;
    top: 0;
    left: 0;
    background: var(--mark);
    color: var(--panel);
    font-size: 10px;
    line-height: 13px;
    padding: 0 4px;
    border-radius: 0 3px 3px 0;
  }

  dialog {
    color: inherit;
    background: var(--panel);
    border: 1px solid var(--border);
    border-radius: 10px;
    box-shadow: var(--shadow);
    padding: 0;
    width: min(620px, calc(100% - 32px));
    max-height: min(72vh, 640px);
    margin: 10vh auto auto;
    overflow: hidden;
  }
  dialog::backdrop {
    background: rgb(8 12 16 / 45%);
  }
  dialog[open] {
    display: flex;
    flex-direction: column;
  }
  dialog .top {
    display: flex;
    padding: 10px;
    gap: 8px;
    border-bottom: 1px solid var(--border);
    align-items: center;
  }
  dialog .top input {
    flex: 1;
    padding: 7px 10px;
  }
  dialog .top h2 {
    flex: 1;
    margin: 0 4px;
    font-size: 15px;
  }
  dialog .content {
    overflow: auto;
    padding: 6px;
  }
  dialog .hint {
    padding: 8px 12px;
    margin: 0;
  }
  [role="option"] {
    display: flex;
    justify-content: space-between;
    gap: 16px;
    padding: 5px 10px;
    border-radius: 5px;
    cursor: default;
  }
  [role="option"][aria-selected="true"] {
    background: var(--chosen);
  }
  dl.keys {
    display: grid;
    grid-template-columns: repeat(2, max-content 1fr);
    gap: 6px 12px;
    margin: 8px 10px 12px;
  }
  dl.keys dt {
    text-align: right;
  }
  dl.keys dd {
    margin: 0;
    color: var(--muted);
  }

  .toasts {
    position: absolute;
    right: 14px;
    top: 54px;
    display: grid;
    gap: 8px;
    z-index: 40;
    max-width: min(420px, 80%);
  }
  .toast {
    background: var(--raised);
    border: 1px solid var(--border);
    border-left: 3px solid var(--accent);
    border-radius: 6px;
    padding: 8px 12px;
    box-shadow: var(--shadow);
    overflow-wrap: anywhere;
  }
  .toast.bad {
    border-left-color: var(--bad);
  }
`;

/** Panels and what is in them. */
const panels = css`
  .panel {
    position: absolute;
    inset: 0;
    display: flex;
    flex-direction: column;
    background: var(--panel);
    overflow: hidden;
  }
  .panel:focus-visible {
    outline-offset: -2px;
  }
  .panel .bar {
    display: flex;
    gap: 6px 10px;
    align-items: center;
    padding: 4px 8px;
    min-height: 28px;
    flex-wrap: wrap;
    font-size: 12px;
  }
  .panel .bar select,
  .panel .bar input {
    padding: 1px 4px;
    font-size: 12px;
    max-width: 220px;
  }
  .panel .bar button {
    padding: 0 6px;
    font-size: 12px;
  }
  .panel .body {
    position: relative;
    flex: 1;
    min-height: 0;
    overflow: hidden;
  }
  .panel .body.scroll {
    overflow: auto;
  }
  .panel .body > canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
  }
  .panel .empty {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    text-align: center;
    color: var(--muted);
    padding: 16px;
    overflow-wrap: anywhere;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0 2px;
    padding: 3px 8px 0;
    font-size: 12px;
    min-height: 24px;
    max-height: 40%;
    overflow: auto;
    align-items: center;
    flex: none;
  }
  .legend .line {
    display: inline-flex;
    align-items: center;
    max-width: 100%;
    height: 20px;
    border-radius: 4px;
  }
  .legend .line:hover,
  .legend .line:focus-within {
    background: var(--hover);
  }
  .legend .name {
    display: inline-flex;
    gap: 6px;
    align-items: center;
    padding: 0 5px;
    min-width: 0;
    background: none;
    color: inherit;
  }
  .legend .off .name {
    text-decoration: line-through;
    color: var(--muted);
  }
  .legend svg {
    flex: none;
  }
  .legend b {
    font-weight: 600;
    min-width: 5em;
    white-space: nowrap;
  }
  .legend .drop,
  .bands-name .drop {
    padding: 0 4px;
    color: var(--muted);
    opacity: 0;
  }
  .legend .line:hover .drop,
  .legend .line:focus-within .drop,
  .legend > .drop,
  .bands-name:hover .drop,
  .bands-name:focus-within .drop {
    opacity: 1;
  }
  .bands-name .name {
    flex: none;
    max-width: 100%;
  }
  .bands-name .drop {
    margin-left: auto;
  }
  .panel p {
    margin: 4px 12px;
  }
  td.short {
    width: 1%;
  }
  td.text {
    white-space: pre-wrap;
    max-width: none;
  }
  .bands-name {
    display: flex;
    gap: 6px;
    align-items: center;
    font-size: 12px;
  }
  .stats {
    flex: none;
    max-height: 45%;
    overflow: auto;
    margin: 2px 8px 0;
  }
  .stats table {
    width: auto;
  }
  .stats th,
  .stats td {
    padding: 0 10px 0 0;
    border: 0;
    background: none;
    font-size: 11.5px;
    color: var(--muted);
    font-weight: 400;
  }
  .stats td {
    color: var(--text);
  }
  .stats th:not(:first-child) {
    text-align: right;
  }
  .tag {
    position: absolute;
    right: 12px;
    top: 4px;
    font-size: 10.5px;
    color: var(--muted);
    pointer-events: none;
  }
  .plot {
    position: absolute;
    inset: 0;
    touch-action: none;
  }
  table {
    border-collapse: collapse;
    font-size: 12px;
    width: 100%;
  }
  th,
  td {
    text-align: left;
    padding: 2px 8px;
    border-bottom: 1px solid var(--border);
    white-space: nowrap;
    max-width: 420px;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  th {
    position: sticky;
    top: 0;
    background: var(--raised);
    font-weight: 600;
    z-index: 1;
  }
  tr.now td {
    background: var(--chosen);
  }
  tr[tabindex]:hover td {
    background: var(--hover);
  }
  td.number {
    text-align: right;
  }
  .values details {
    border-bottom: 1px solid var(--border);
  }
  .values summary {
    display: flex;
    gap: 8px;
    padding: 4px 8px;
    cursor: default;
    align-items: baseline;
  }
  .values summary .clip:first-child {
    flex-shrink: 0;
    max-width: 60%;
  }
  .values summary .age {
    margin-left: auto;
    color: var(--muted);
    font-size: 11.5px;
    white-space: nowrap;
  }
  .values dl {
    display: grid;
    grid-template-columns: minmax(80px, max-content) 1fr;
    gap: 1px 12px;
    margin: 0;
    padding: 2px 8px 8px 20px;
    font-size: 12px;
  }
  .values dt {
    color: var(--muted);
    overflow-wrap: anywhere;
  }
  .values dd {
    margin: 0;
    overflow-wrap: anywhere;
  }
  dl.facts {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 3px 14px;
    margin: 8px 12px;
    font-size: 12px;
  }
  dl.facts dt {
    color: var(--muted);
  }
  dl.facts dd {
    margin: 0;
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  .panel h3 {
    margin: 12px 12px 4px;
    font-size: 12.5px;
  }
`;

/** How panels lie, and how dockview looks: its variables by ours, and flat tabs. */
const docks = css`
  .dock {
    position: absolute;
    inset: 0;
  }
  .panel-place {
    position: relative;
    width: 100%;
    height: 100%;
    overflow: hidden;
  }
  .still {
    display: flex;
    min-width: 0;
    min-height: 0;
    gap: 1px;
  }
  .dock > .still {
    position: absolute;
    inset: 0;
  }
  .still.column,
  .still.tabs {
    flex-direction: column;
  }
  .still.tabs {
    gap: 0;
    background: var(--panel);
  }
  .still-bar {
    height: 28px;
    flex: none;
    display: flex;
    background: var(--raised);
    font-size: 12px;
    overflow: hidden;
  }
  .still-tab {
    padding: 5px 34px 0 8px;
    color: var(--muted);
    white-space: nowrap;
  }
  .still-tab.front {
    background: var(--panel);
    color: var(--text);
  }
  .still .panel-place {
    flex: 1;
    min-height: 0;
  }
  .tab {
    display: flex;
    align-items: center;
    gap: 6px;
    height: 100%;
    padding: 0 2px 0 0;
    white-space: nowrap;
  }
  .tab-close {
    padding: 0 5px;
    border-radius: 4px;
    color: var(--muted);
    font-size: 14px;
    line-height: 18px;
    cursor: pointer;
  }
  .tab-close:hover {
    background: var(--hover);
    color: var(--text);
  }
  .panel {
    container-type: size;
  }
  @container (max-height: 190px) {
    .legend {
      flex-wrap: nowrap;
      overflow-x: auto;
      scrollbar-width: none;
    }
    .legend .line {
      flex: none;
    }
    .stats {
      max-height: 34px;
    }
  }
  .group-actions {
    display: flex;
    align-items: center;
    height: 100%;
  }
  .group-actions button {
    padding: 0 7px;
    color: var(--muted);
  }
  .dockview-theme-smalti {
    --dv-background-color: var(--bg);
    --dv-paneview-active-outline-color: var(--accent);
    --dv-tabs-and-actions-container-font-size: 12px;
    --dv-tabs-and-actions-container-height: 28px;
    --dv-drag-over-background-color: color-mix(in srgb, var(--accent) 20%, transparent);
    --dv-drag-over-border-color: var(--accent);
    --dv-tabs-container-scrollbar-color: var(--border);
    --dv-icon-hover-background-color: var(--hover);
    --dv-floating-box-shadow: var(--shadow);
    --dv-group-view-background-color: var(--panel);
    --dv-tabs-and-actions-container-background-color: var(--raised);
    --dv-activegroup-visiblepanel-tab-background-color: var(--panel);
    --dv-activegroup-hiddenpanel-tab-background-color: transparent;
    --dv-inactivegroup-visiblepanel-tab-background-color: var(--panel);
    --dv-inactivegroup-hiddenpanel-tab-background-color: transparent;
    --dv-tab-divider-color: var(--border);
    --dv-activegroup-visiblepanel-tab-color: var(--text);
    --dv-activegroup-hiddenpanel-tab-color: var(--muted);
    --dv-inactivegroup-visiblepanel-tab-color: var(--text);
    --dv-inactivegroup-hiddenpanel-tab-color: var(--muted);
    --dv-separator-border: var(--border);
    --dv-paneview-header-border-color: var(--border);
    --dv-sash-color: var(--border);
    --dv-active-sash-color: var(--accent);
    --dv-active-sash-transition-duration: 0.1s;
    --dv-active-sash-transition-delay: 0.3s;
    --dv-overlay-z-index: 20;
  }
`;

/** All of it. */
export const styles: CSSResult[] = [tokens, frame, pieces, panels, docks];
