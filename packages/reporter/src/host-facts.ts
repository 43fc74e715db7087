/** What a report says of the host itself. Sources: machine-id(5), uname(2), /proc/uptime. */
import { readFileSync } from "node:fs";
import { hostname, release, uptime } from "node:os";
import type { HostFacts } from "@conntrail/model";
import type { PipelineOptions } from "./options.ts";

/** /etc/machine-id (32 hexadecimal digits), or the host's name where there is none. */
export function machineId(): string {
  try {
    const id = readFileSync("/etc/machine-id", "utf8").trim();
    return id === "" ? hostname() : id;
  } catch {
    return hostname();
  }
}

/** The host as it is at this moment. */
export function hostFacts(options: PipelineOptions): HostFacts {
  return {
    id: options.hostId,
    name: options.hostName,
    localNetworks: options.localNetworks,
    kernelVersion: release(),
    uptimeSeconds: Math.floor(uptime()),
  };
}
