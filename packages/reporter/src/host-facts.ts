/** What a report says of the host itself. Sources: uname(2), /proc/uptime, getifaddrs(3). */
import { networkInterfaces, release, uptime } from "node:os";
import type { HostFacts } from "@conntrail/model";
import ipaddr from "ipaddr.js";
import type { PipelineOptions } from "./options/pipeline-options.ts";

/** Interfaces are asked for so often at the most: it takes as long as a small report. */
const INTERFACES_EVERY_SECONDS = 10;

/** Gives the host as it is at the moment of each call; its networks may be ten seconds old. */
export function hostReader(options: PipelineOptions): () => HostFacts {
  const kernelVersion = release();
  let networks: readonly string[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    const up = uptime();
    if (up - readAt >= INTERFACES_EVERY_SECONDS) {
      networks = [...new Set([...interfaceNetworks(), ...options.localNetworks])];
      readAt = up;
    }
    return {
      id: options.hostId,
      name: options.hostName,
      localNetworks: networks,
      hostScopedNetworks: options.localNetworks,
      kernelVersion,
      uptimeSeconds: Math.floor(up),
    };
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
