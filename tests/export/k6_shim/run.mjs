// Runs the default function of a script once, as `k6 run SCRIPT` does; the checks are printed as JSON.
import fs from "node:fs";
import { pathToFileURL } from "node:url";

globalThis.__ENV = process.env;
globalThis.open = (path, mode) => (mode === "b" ? new Uint8Array(fs.readFileSync(path)).buffer : fs.readFileSync(path, "utf8"));
const script = await import(pathToFileURL(process.argv[2]));
globalThis.open = () => {
  throw new Error("open() is for the init context");
};
const { checks } = await import(new URL("./node_modules/k6/index.js", pathToFileURL(process.argv[2])));
try {
  script.default();
} catch (problem) {
  console.error(String(problem.stack));
}
console.log("checks: " + JSON.stringify(checks));
process.exit(checks.length > 0 && checks.every((each) => each.passed) ? 0 : 99);
