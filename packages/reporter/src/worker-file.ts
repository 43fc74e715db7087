/** Where the pipeline worker's file lies: beside this one, unless someone has moved this one into a bundle. */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FILE = "./pipeline-worker.js";

const ADVICE =
  "conntrail runs threads from its own files and must stay out of the bundle (esbuild: --external:conntrail, or --packages=external; " +
  'Rollup and Vite: external: ["conntrail"]; webpack: externals)';

/** The worker's URL. Throws an Error that says what to do when it is not there. */
export function pipelineWorkerFile(): URL {
  // What bundlers make of `import.meta.url` where there is none.
  const here = import.meta.url as string | undefined;
  if (here === undefined) throw new Error(`conntrail cannot find its own files: ${ADVICE}`);
  const url = new URL(FILE, here);
  if (isMissing(url)) throw new Error(`${fileURLToPath(url)} is missing: ${ADVICE}`);
  return url;
}

function isMissing(url: URL): boolean {
  try {
    return statSync(url, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false; // Whether it is there cannot be seen (a permission model): Node will say what it thinks of it.
  }
}
