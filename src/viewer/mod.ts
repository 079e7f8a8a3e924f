import uPlot from "uplot";
import dock from "virtual:dockview-styles";
import {LitElement, html} from "lit";
import {DockviewComponent, createDockview} from "dockview-core";
console.log(uPlot, dock, LitElement, html, createDockview);
export const x = 1;
