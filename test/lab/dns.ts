/** DNS servers inside a lab, for reverse names (PTR): Debian's dnsmasq where it is installed, one of our own, and one that never answers. */
import { fileURLToPath } from "node:url";
import type { LabNamespace } from "./namespace.ts";
import type { Program } from "./program.ts";

/** Names by address. */
export type PtrRecords = Readonly<Record<string, readonly string[]>>;

/** A server that listens on port 53 of the namespace's first address, or the address given. */
export interface DnsServer {
  readonly address: string;
  readonly port: number;
  /** Queries that have arrived so far. */
  queries(): number;
  readonly program: Program;
}

/** How a server of our own behaves. */
export interface NodeDnsOptions {
  readonly address?: string;
  readonly port?: number;
  /** Waits this long before each answer. */
  readonly delayMs?: number;
}

/** A server of our own (npm `dns-packet`): PTR records, NXDOMAIN for everything else. */
export function nodeDnsIn(
  namespace: LabNamespace,
  records: PtrRecords,
  options: NodeDnsOptions = {},
): Promise<DnsServer> {
  return startOwn(
    namespace,
    ["--records", JSON.stringify(records), "--delay-ms", String(options.delayMs ?? 0)],
    options,
  );
}

/** A server that counts queries and never answers one. */
export function blackHoleDnsIn(namespace: LabNamespace, options: NodeDnsOptions = {}): Promise<DnsServer> {
  return startOwn(namespace, ["--black-hole"], options);
}

/** dnsmasq(8) with these records and nothing else: no configuration file, no hosts file, no upstream. Needs `requires: ["dnsmasq"]`. */
export async function dnsmasqIn(
  namespace: LabNamespace,
  records: PtrRecords,
  address = namespace.address,
): Promise<DnsServer> {
  const hosts = Object.entries(records).flatMap(([host, names]) =>
    names.map((name) => `--host-record=${name},${host}`),
  );
  const fixed = [
    "--keep-in-foreground",
    "--conf-file=/dev/null",
    "--no-resolv",
    "--no-hosts",
    "--pid-file=",
    "--user=root",
  ];
  const place = [`--listen-address=${address}`, "--bind-interfaces", "--log-queries", "--log-facility=-"];
  const program = namespace.spawn("dnsmasq", [...fixed, ...place, ...hosts]);
  const deadline = Date.now() + 5_000;
  while (!/: started, version/.test(program.stderr)) {
    if (!program.running || Date.now() > deadline) throw new Error(`dnsmasq did not start: ${program.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { address, port: 53, program, queries: () => program.stderr.match(/: query\[/g)?.length ?? 0 };
}

async function startOwn(namespace: LabNamespace, args: readonly string[], options: NodeDnsOptions): Promise<DnsServer> {
  const { address = namespace.address, port = 53 } = options;
  const file = fileURLToPath(new URL("./programs/dns-server.mjs", import.meta.url));
  const program = namespace.spawn(process.execPath, [file, "--host", address, "--port", String(port), ...args]);
  await program.json();
  const queries = (): number => program.lines.filter((line) => line.startsWith('{"query"')).length;
  return { address, port, program, queries };
}
