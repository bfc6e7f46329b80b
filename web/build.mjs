// Builds the bundles of bundles.json: one file each, minified, for browsers back to those of 2019, without a module loader.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";

const bundles = JSON.parse(await readFile(new URL("bundles.json", import.meta.url), "utf8"));
for (const bundle of bundles) {
  await build({
    entryPoints: [bundle.entry],
    outfile: `../${bundle.output}`,
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2019", "safari12", "firefox68", "chrome72"],
    charset: "ascii", // read alike whatever the page's charset
    legalComments: "none",
    logLevel: "warning",
    ...bundle.options,
  });
}
