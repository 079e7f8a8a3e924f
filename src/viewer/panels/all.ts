/** The page's own panels, in the order in which they are offered. */
import "./plot.ts";
import "./states.ts";
import "./image.ts";
import "./track.ts";
import "./values.ts";
import "./table.ts";
import "./log.ts";
import "./xy.ts";
import "./scene.ts";
import "./info.ts";
