/**
 * Bugs planted into the built stages while they are loaded, to see that the simulation finds them: nothing of it is in the product. Each names a built file, words that
 * must stand there once, and what stands there instead. Loaded with `--import`; the environment variable CONNTRAIL_PLANTED says which bug.
 */
import { register } from "node:module";

/** By name. */
export const PLANTED_BUGS = {
  "cut-skipped": {
    says: "tables do not wait for the events of their time",
    file: "/packages/stages/dist/await-cut.js",
    words: "this.#waiting.push(input);",
    instead: "yield input; return;",
  },
};

const name = process.env.CONNTRAIL_PLANTED;
if (name !== undefined) {
  const bug = PLANTED_BUGS[name];
  if (bug === undefined) throw new RangeError(`no such bug: ${name}`);
  register("./plant.mjs", import.meta.url, { data: bug });
}
