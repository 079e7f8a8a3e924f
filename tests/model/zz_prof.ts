import { runCase } from "./model.ts";
let steps=0; const a=performance.now();
for (let i=0;i<3000;i++){ steps += (await runCase(i)).steps; }
const ms=performance.now()-a; console.log(steps/3000, "steps", ms/3000, "ms", ms/steps*1000,"us/step");
