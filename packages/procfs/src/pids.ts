/** The processes of a /proc: its folders with a number for a name (proc(5)). */
import { readdirSync } from "node:fs";
import { unlessGone } from "./read-file.ts";

/** A process by its number, or the reader itself. `thread-self` differs from `self` where a thread has its own namespaces. */
export type Process = number | "self" | "thread-self";

/** All pids, ascending; `undefined` when there is no such folder. Throws OpError. */
export function readPids(root: string): number[] | undefined {
  const names = unlessGone("readdir", root, () => readdirSync(root));
  return names
    ?.map(parsePid)
    .filter((pid) => pid > 0)
    .sort((a, b) => a - b);
}

/** The pid that a folder's name stands for; 0 when it is none. */
function parsePid(name: string): number {
  const first = name.charCodeAt(0);
  return first >= 0x31 && first <= 0x39 && /^\d+$/.test(name) ? Number(name) : 0;
}
