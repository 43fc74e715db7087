/** Who has a socket, in words; also where no process is known to have it. */
import { OWNER_REASON, type Owner, type OwnerReason } from "@conntrail/model";

/** A socket of whose process only this is known, as one that fits an end. */
export const NOBODYS: Partial<Record<OwnerReason, string>> = {
  "no-process": "a socket that no visible process has",
  permission: "a process that may not be inspected",
  ambiguous: "one of several programs",
};

/** The same, behind a sentence about the socket. */
const OF_NOBODY: Partial<Record<OwnerReason, string>> = {
  "no-process": "no process has a descriptor of it",
  permission: "its process may not be inspected",
  ambiguous: "several programs hold it",
  off: "its process was not looked for",
};

/** `curl (pid 7) has the socket A → B`, or `a socket A → B (no process has a descriptor of it)`. */
export function heldText(owner: Owner | undefined, reason: number, verb: string, what: string): string {
  if (owner !== undefined) return [processText(owner), verb, what].filter((word) => word !== "").join(" ");
  const noun = verb === "" ? "a socket that" : "a socket";
  return `${noun} ${what} (${OF_NOBODY[OWNER_REASON[reason]!] ?? "nobody is known to have it"})`;
}

/** `curl (pid 7)`. */
export function processText(owner: Owner | undefined): string {
  return owner === undefined ? "an unknown process" : `${owner.process} (pid ${owner.pid})`;
}
