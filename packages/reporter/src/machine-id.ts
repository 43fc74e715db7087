/** What names this host unless it is told otherwise. Source: machine-id(5). */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** /etc/machine-id (32 hexadecimal digits), or the host's name where there is none. */
export function machineId(): string {
  try {
    const id = readFileSync("/etc/machine-id", "utf8").trim();
    return id === "" ? hostname() : id;
  } catch {
    return hostname();
  }
}
