// Bundles the page: one script, one sheet of style, one document, nothing from elsewhere. Run by `npm run build` after tsc.
import { copyFileSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

const at = (path) => new URL(path, import.meta.url).pathname;

mkdirSync(at("dist/assets"), { recursive: true });
await build({
  entryPoints: [at("src/page.tsx"), at("src/page.css")],
  outdir: at("dist/assets"),
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});
copyFileSync(at("src/index.html"), at("dist/assets/index.html"));
