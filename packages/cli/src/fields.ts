/** The fields that can be asked for on this machine: the report's, with the names of ports from /etc/services. */
import { readFileSync } from "node:fs";
import { Fields, parseServices, type Services } from "@conntrail/query";

let known: Fields | undefined;

/** The fields; the file is read once. Without it a service is its protocol and port. */
export function fields(): Fields {
  known ??= new Fields(services());
  return known;
}

/** services(5). */
function services(): Services {
  try {
    return parseServices(readFileSync("/etc/services", "utf8"));
  } catch {
    return new Map(); // Minimal systems have none.
  }
}
