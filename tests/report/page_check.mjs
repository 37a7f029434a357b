// node page_check.mjs MODULES FILE [PNG_PREFIX]: a page at two widths, light and dark: axe-core (WCAG 2.2 AA), overflow,
// requests, what its own policy blocks, keyboard. MODULES is a folder with node_modules. Exits 1 when anything is wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
const [modules, file, prefix] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(modules), "index.js")));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
let bad = 0;
{
  // With the policy in force: nothing of the page itself may be blocked.
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("console", m => { if (m.type() === "error") { console.log("console:", m.text()); bad++; } });
  await page.goto(pathToFileURL(file).href);
  const size = await page.evaluate(() => getComputedStyle(document.querySelector("h1")).fontWeight);
  if (size === "700") { console.log("the style is not applied"); bad++; }
  await page.close();
}
for (const colorScheme of ["light", "dark"]) for (const width of [1280, 390]) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const asked = [];
  page.on("request", r => asked.push(r.url()));
  page.on("console", m => { if (m.type() === "error") { console.log("console:", m.text()); bad++; } });
  await page.goto(pathToFileURL(file).href);
  if (asked.length !== 1) { console.log("requests:", asked); bad++; }
  if (prefix) await page.screenshot({ path: `${prefix}-${colorScheme}-${width}.png`, fullPage: true });
  await page.evaluate(() => document.querySelectorAll("details").forEach(d => d.open = true));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) { console.log(`${width}px: the page is ${wide} px wider than the window`); bad++; }
  await page.addScriptTag({ content: axe });
  const found = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const v of found.violations) { bad++; console.log(colorScheme, width, v.id, v.help, v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200))); }
  console.log(colorScheme, width, "axe passes:", found.passes.length, "violations:", found.violations.length);
  if (prefix) await page.screenshot({ path: `${prefix}-${colorScheme}-${width}-open.png`, fullPage: true });
  await page.close();
}
const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, bypassCSP: true });
await page.goto(pathToFileURL(file).href);
const summaries = await page.evaluate(() => [...document.querySelectorAll("summary")].filter(s => s.checkVisibility()).length);
await page.keyboard.press("Tab");
let reached = 0;
for (let i = 0; i < summaries + 60; i++) {
  const on = await page.evaluate(() => document.activeElement?.tagName);
  if (on === "SUMMARY") reached++;
  if (on === "BODY" && i > 0) break;
  await page.keyboard.press("Tab");
}
console.log("summaries", summaries, "reached by Tab", reached);
if (reached < summaries) bad++;
await page.evaluate(() => document.querySelector("details.step:not([open]) > summary, details:not([open]) > summary").focus());
await page.keyboard.press("Enter");
if (!(await page.evaluate(() => document.activeElement.parentElement.open))) { console.log("Enter does not open"); bad++; }
if (prefix) await page.pdf({ path: `${prefix}.pdf` });
await browser.close();
process.exit(bad ? 1 : 0);
