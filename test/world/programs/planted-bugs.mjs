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
  "cookie-ignored": {
    says: "a socket is the same when its inode is, whatever its cookie",
    file: "/packages/stages/dist/sockets/socket-identity.js",
    words: "function hasCookie(words, offset) {",
    instead: "function hasCookie(words, offset) { return false;",
  },
  "told-forgotten": {
    says: "a flow whose end was told is forgotten at once, and not watched until a later scan",
    file: "/packages/stages/dist/closings/flow-endings.js",
    words: "rows.silence(row);",
    instead: "releaseFlow(book, row); return;",
  },
};

const name = process.env.CONNTRAIL_PLANTED;
if (name !== undefined) {
  const bug = PLANTED_BUGS[name];
  if (bug === undefined) throw new RangeError(`no such bug: ${name}`);
  register("./plant.mjs", import.meta.url, { data: bug });
}
