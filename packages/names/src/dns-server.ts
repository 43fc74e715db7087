/** A name server's address: from an option, or from a `nameserver` line of resolv.conf(5). */
import { isIP, isIPv6 } from "node:net";

export interface DnsServer {
  /** Text form; a link-local one with its zone (`fe80::1%eth0`). */
  readonly address: string;
  readonly port: number;
}

const DNS_PORT = 53; // NAMESERVER_PORT

/** Servers after these are not used, as in the C library. */
const MAX_SERVERS = 3; // MAXNS

/** Parses `address`, `address:port` or `[address]:port`; `undefined` when it is none of them. */
export function parseDnsServer(text: string): DnsServer | undefined {
  if (isIP(text) !== 0) return { address: text, port: DNS_PORT };
  const [, bracketed, plain, digits] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? "";
  const port = Number(digits);
  const valid = bracketed === undefined ? isIP(address) === 4 : isIPv6(address);
  return valid && port > 0 && port <= 0xffff ? { address, port } : undefined;
}

/** A server as people write it: without its port where that is 53. */
export function serverText({ address, port }: DnsServer): string {
  if (port === DNS_PORT) return address;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** True when the two are one server. */
export function sameServer(a: DnsServer, b: DnsServer): boolean {
  return a.address === b.address && a.port === b.port;
}

/** The servers that a resolv.conf names, in its order; lines that name none are no servers, whatever else they are. */
export function parseResolvConf(text: string): readonly DnsServer[] {
  const servers: DnsServer[] = [];
  for (const line of text.split("\n")) {
    const address = /^nameserver[ \t]+(\S+)/.exec(line)?.[1];
    if (address !== undefined && isIP(address) !== 0 && servers.length < MAX_SERVERS)
      servers.push({ address, port: DNS_PORT });
  }
  return servers;
}
