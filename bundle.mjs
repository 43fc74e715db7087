// Bundles entry files of a package in place, after tsc: a thread, or the command, then loads one file where it loaded some hundred (D-89). Called by a package's
// build with the names of its entries: `tsc -b && node ../../bundle.mjs pipeline-worker`. `--split` leaves what is imported on demand in files of its own.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, relative, resolve, sep } from "node:path";
import { build } from "esbuild";

const dist = resolve("dist");
const names = process.argv.slice(2).filter((argument) => argument !== "--split");
const splits = process.argv.includes("--split");

/** Files that `--split` made. */
const PART = /^part-.*\.js(\.map)?$/;

/** What is bundled: the house's own packages, and RxJS, which in Node's form is some two hundred files. Everything else stays a package that is installed. */
const OWN = /^@conntrail\//;
const RXJS = resolve(createRequire(import.meta.url).resolve("rxjs"), "../../esm/index.js");

/** RxJS's licence asks for it. */
const BANNER =
  "// What of RxJS 7 is in this file: Copyright (c) 2015-2018 Google, Inc., Netflix, Inc., Microsoft Corp. and contributors, Apache License 2.0.";

for (const file of readdirSync(dist)) if (PART.test(file)) rmSync(resolve(dist, file));
const { outputFiles } = await build({
  entryPoints: names.map((name) => `src/${name}.ts`),
  outdir: dist,
  write: false,
  chunkNames: "part-[name]-[hash]",
  bundle: true,
  splitting: splits,
  format: "esm",
  platform: "node",
  target: "node20.19",
  sourcemap: true,
  sourcesContent: false,
  banner: { js: BANNER },
  logLevel: "warning",
  plugins: [{ name: "house", setup: resolveOwn }],
});
for (const { path, text } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, path.endsWith(".js") ? withConstants(text) : text);
}

/** esbuild declares what stands at the top of a module with `var`. V8 knows the value of a `const` when it compiles a function that uses it, and reads a `var` each time: of the ingest's CPU that was a seventh (D-92). */
function withConstants(text) {
  return text.replace(/^var ([\w$]+) = /gm, (declared, name) =>
    isAssignedAgain(text, name) ? declared : `const ${name} = `,
  );
}

/** A word too many only keeps a `var`; one that is missed fails as soon as it is run. */
function isAssignedAgain(text, name) {
  const word = `(?<![\\w$.])${name.replaceAll("$", "\\$")}(?![\\w$])`;
  const operator = String.raw`\s*(?:=(?![=>])|\+\+|--|(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)=)`;
  const assigned = text.match(new RegExp(`${word}${operator}|(?:\\+\\+|--)${word}`, "g")) ?? [];
  return assigned.length > 1;
}

function resolveOwn({ onResolve, onLoad }) {
  onResolve({ filter: /^rxjs$/ }, () => ({ path: RXJS, sideEffects: false }));
  onResolve({ filter: OWN }, ({ path, importer }) => ({
    path: createRequire(importer).resolve(path),
    // Their modules only define things: what nobody uses may be left out.
    sideEffects: false,
  }));
  onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, kind }) =>
    kind === "entry-point" || isInstalled(resolveDir)
      ? undefined
      : { path: resolve(resolveDir, path), sideEffects: false },
  );
  onResolve({ filter: /^[^./]/ }, ({ kind, resolveDir }) =>
    kind === "entry-point" || isInstalled(resolveDir) ? undefined : { external: true, sideEffects: false },
  );
  onLoad({ filter: /\.[jt]s$/ }, ({ path }) => loadOwn(path));
}

/** A module that looks for files beside itself finds them, although it has become part of another file. */
function loadOwn(path) {
  const text = readFileSync(path, "utf8");
  if (!text.includes("import.meta.url") || isInstalled(path)) return undefined;
  const built = path.replace(/\/src\/(.*)\.ts$/, "/dist/$1.js");
  const place = relative(dist, built);
  const here = `new URL(${JSON.stringify(place.startsWith(".") ? place : `./${place}`)}, import.meta.url).href`;
  return {
    contents: text.replaceAll("import.meta.url", here),
    loader: path.endsWith(".ts") ? "ts" : "js",
    resolveDir: dirname(path),
  };
}

/** RxJS brings its own helpers. */
function isInstalled(path) {
  return path.includes(`${sep}node_modules${sep}`);
}
