// Builds the bundles of bundles.json: one file each, minified, without a module loader. Those for visitors run in browsers
// back to 2019; those for operators say what they need. Beside a bundle stands the style sheet that it imports, if any, and
// the licences of the packages in it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { build } from "esbuild";

const bundles = JSON.parse(await readFile(new URL("bundles.json", import.meta.url), "utf8"));
for (const bundle of bundles) {
  const { metafile } = await build({
    entryPoints: [bundle.entry],
    outfile: `../${bundle.output}`,
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2019", "safari12", "firefox68", "chrome72"],
    charset: "ascii", // read alike whatever the page's charset
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    define: { "process.env.NODE_ENV": '"production"' },
    ...bundle.options,
  });
  const notice = licences(metafile);
  if (notice) writeFileSync(`../${bundle.output.replace(/\.js$/, "")}.licences.txt`, notice);
}

/** The licences of the packages that went into a bundle; "" for none. */
function licences({ inputs }) {
  const folders = new Set();
  for (const name of Object.keys(inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(name);
    if (found) folders.add(found[1]);
  }
  return [...folders].sort().map(licence).join("\n");
}

function licence(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const words = file && existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8").trim() : "";
  return `${name} ${version}, ${license ?? "licence as below"}\n\n${words}\n\n${"-".repeat(72)}\n`;
}
