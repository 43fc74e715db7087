/** What a report says of the host itself. Sources: uname(2), /proc/uptime, getifaddrs(3). */
import { networkInterfaces, release, uptime } from "node:os";
import type { HostFacts } from "@conntrail/model";
import ipaddr from "ipaddr.js";
import type { PipelineOptions } from "./options/pipeline-options.ts";

/** The host as it is at this moment. */
export function hostFacts(options: PipelineOptions): HostFacts {
  return {
    id: options.hostId,
    name: options.hostName,
    localNetworks: [...new Set([...interfaceNetworks(), ...options.localNetworks])],
    hostScopedNetworks: options.localNetworks,
    kernelVersion: release(),
    uptimeSeconds: Math.floor(uptime()),
  };
}

/** The networks of this namespace's interfaces as CIDRs, without the loopback's. */
function interfaceNetworks(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, cidr }) => !internal && cidr !== null)
    .map(({ family, cidr }) => {
      const network = (family === "IPv4" ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(cidr!);
      return `${network.toString()}/${cidr!.split("/")[1]}`;
    });
}
