/** Compiles a worker of ./workers with the repository's own compiler and gives the URL of the result. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);

export function compileWorker(file: string): URL {
  const outDir = new URL("test/thread/workers/dist/", root); // ignored by git; inside the tree, so that packages resolve
  const settings = { module: "nodenext", target: "es2023", types: "node", skipLibCheck: "true", strict: "true" };
  execFileSync(process.execPath, [
    fileURLToPath(new URL("node_modules/.bin/tsc", root)),
    fileURLToPath(new URL(`test/thread/workers/${file}`, root)),
    "--ignoreConfig",
    "--outDir",
    fileURLToPath(outDir),
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  ]);
  return new URL(file.replace(/\.ts$/, ".js"), outDir);
}
