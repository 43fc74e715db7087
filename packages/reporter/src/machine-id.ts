/** What names this host unless it is told otherwise. Source: machine-id(5). */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/**
 * /etc/machine-id, or the host's name where that file is missing or holds no id: images are shipped with it empty, or with the word
 * `uninitialized` in it, and many hosts would be one.
 */
export function machineId(path = "/etc/machine-id"): string {
  try {
    const id = readFileSync(path, "utf8").trim();
    return ID.test(id) && !NULL_ID.test(id) ? id : hostname();
  } catch {
    return hostname();
  }
}

/** 32 hexadecimal digits; some tools write them as a UUID. */
const ID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
const NULL_ID = /^[0-]+$/;
