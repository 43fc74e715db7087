/** The fields that can be asked for on this machine: the report's, with the names of ports from /etc/services. */
import { readFileSync } from "node:fs";
import { Fields, parseServices, type Services } from "@conntrail/query";

let known: Fields | undefined;
let names: Services | undefined;

/** The fields. Without names a service is its protocol and port. */
export function fields(): Fields {
  known ??= new Fields(services());
  return known;
}

/** Names of ports: /etc/services, read once; none where there is no such file. */
export function services(): Services {
  names ??= readServices();
  return names;
}

function readServices(): Services {
  try {
    return parseServices(readFileSync("/etc/services", "utf8"));
  } catch {
    return new Map(); // Minimal systems have none.
  }
}
