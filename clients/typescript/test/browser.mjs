// Drives Chromium.
import { existsSync } from "node:fs";
import { after } from "node:test";
import puppeteer from "puppeteer-core";

const shell = "/usr/bin/chromium-headless-shell";
const executablePath = [shell, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
let browser;

/** Returns a context with storage of its own, in a Chromium that ends with the tests. */
export async function openContext() {
  browser ??= puppeteer.launch({ executablePath, headless: executablePath === shell ? "shell" : true, args: ["--no-sandbox", "--disable-gpu"], protocolTimeout: 120_000 });
  return (await browser).createBrowserContext();
}

after(async () => (await browser)?.close());

/** Takes screenshots in both colour schemes and at two widths; nothing may be wider than the window. */
export async function shoot(page, name) {
  for (const [device, width] of [["phone", 390], ["desktop", 1200]]) {
    await page.setViewport({ width, height: 800 });
    for (const scheme of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${device}-${scheme}.png` });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) throw new Error(`at a width of ${width} the page is ${wide} wide`);
    }
  }
}

/** Returns what axe finds serious or critical on a page. */
export async function serious(page) {
  const { readFile } = await import("node:fs/promises");
  await page.evaluate(await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
