/**
 * Ready-made labs. Addresses are from 10.0.0.0/8 (RFC 1918) and fd00::/8 (RFC 4193) and exist only inside the namespaces.
 *
 *     client 10.1.0.2 ── 10.1.0.1 router 10.2.0.1 ══ bridge ══ server-1 10.2.0.2, server-2 10.2.0.3, …
 *     the virtual address 10.9.0.1 belongs to nobody: the router rewrites it to one of the servers (IPv6: fd00:9::1 …)
 *
 * Labs that run at the same time have the same addresses, as two clusters on one host may; `network` tells them apart.
 */
import { createLab, type Lab } from "./lab.ts";
import type { LabNamespace } from "./namespace.ts";

/** One rule that refers to `ct`: from here on the namespace tracks connections of both families. */
export const TRACK =
  "table inet track { chain arrive { type filter hook prerouting priority 0; ct state new counter; }; }";

/** A lab of one namespace. */
export type HostLab = Lab & { readonly host: LabNamespace };

/** One namespace, `host`, with its loopback up and connection tracking on. */
export async function loopbackLab(): Promise<HostLab> {
  const lab = await plainLab();
  try {
    await lab.host.nft(TRACK);
    return lab;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** One namespace, `host`, with its loopback up and no rule that refers to `ct`: nothing is tracked. */
export async function plainLab(): Promise<HostLab> {
  const lab = await createLab("host");
  const host = lab.ns("host");
  host.addresses.push("127.0.0.1", "::1");
  return Object.assign(lab, { host });
}

/** What `natLab` can be told. */
export interface NatLabOptions {
  readonly family?: "ipv4" | "ipv6";
  /** Servers behind the virtual address, taken in turn; 1 without it. */
  readonly backends?: number;
  /** Where connections are tracked: in the router only, or in every namespace. `router` without it. */
  readonly track?: "router" | "all";
  /** Whether the client's address is hidden behind the router's (source NAT); true without it. */
  readonly masquerade?: boolean;
  readonly virtualPort?: number;
  readonly realPort?: number;
  /** The third part of every address, 0 to 255; 0 without it. */
  readonly network?: number;
}

/** An address with a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Client, router and servers, and what the client believes it talks to. */
export type NatLab = Lab & {
  readonly client: LabNamespace;
  readonly router: LabNamespace;
  readonly servers: readonly LabNamespace[];
  /** What the client connects to. Nobody has this address. */
  readonly virtual: Endpoint;
  /** What `virtual` is rewritten to, one for each server. */
  readonly real: readonly Endpoint[];
  /** What the servers see as the client's address when it is masqueraded. */
  readonly routerAddress: string;
};

const NAT_DEFAULTS = {
  family: "ipv4",
  backends: 1,
  track: "router",
  masquerade: true,
  virtualPort: 80,
  realPort: 8080,
  network: 0,
} as const;

/** Client – router – servers: TCP and UDP to the virtual address and port arrive at a server's own address and port. */
export async function natLab(options: NatLabOptions = {}): Promise<NatLab> {
  const settings = { ...NAT_DEFAULTS, ...options };
  const plan = addressPlan(settings.family, settings.network);
  const roles = Array.from({ length: settings.backends }, (_, i) => `server-${i + 1}`);
  const lab = await createLab("client", "router", ...roles);
  try {
    await wire(lab, roles, plan);
    const real = roles.map((role) => ({ address: lab.ns(role).address, port: settings.realPort }));
    const virtual = { address: plan.virtual, port: settings.virtualPort };
    await lab.ns("router").sysctl(plan.forwarding, 1);
    await lab.ns("router").nft(routerRules(plan, virtual, real, settings.masquerade));
    if (settings.track === "all") {
      for (const namespace of lab.namespaces) if (namespace.role !== "router") await namespace.nft(TRACK);
    }
    const servers = roles.map((role) => lab.ns(role));
    return Object.assign(lab, {
      client: lab.ns("client"),
      router: lab.ns("router"),
      servers,
      virtual,
      real,
      routerAddress: plan.inside(1),
    });
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** How the addresses of one family are laid out. */
interface AddressPlan {
  readonly outside: (host: number) => string;
  readonly inside: (host: number) => string;
  readonly virtual: string;
  readonly prefix: number;
  readonly forwarding: string;
  /** The family's name in nft rules. */
  readonly nft: "ip" | "ip6";
}

function addressPlan(family: "ipv4" | "ipv6", network: number): AddressPlan {
  if (family === "ipv4") {
    return {
      outside: (host) => `10.1.${network}.${host}`,
      inside: (host) => `10.2.${network}.${host}`,
      virtual: `10.9.${network}.1`,
      prefix: 24,
      forwarding: "net.ipv4.ip_forward",
      nft: "ip",
    };
  }
  const group = network === 0 ? "" : `:${network.toString(16)}`;
  return {
    outside: (host) => `fd00:1${group}::${host.toString(16)}`,
    inside: (host) => `fd00:2${group}::${host.toString(16)}`,
    virtual: `fd00:9${group}::1`,
    prefix: 64,
    forwarding: "net.ipv6.conf.all.forwarding",
    nft: "ip6",
  };
}

async function wire(lab: Lab, servers: readonly string[], plan: AddressPlan): Promise<void> {
  const at = (address: string): string => `${address}/${plan.prefix}`;
  await lab.link(
    { role: "client", device: "eth0", address: at(plan.outside(2)) },
    { role: "router", device: "eth0", address: at(plan.outside(1)) },
  );
  await lab.addDefaultRoute("client", plan.outside(1));
  await lab.addBridge("router", "br0", at(plan.inside(1)));
  for (const [i, role] of servers.entries()) {
    await lab.link(
      { role, device: "eth0", address: at(plan.inside(2 + i)) },
      { role: "router", device: `port${i}`, bridge: "br0" },
    );
    await lab.addDefaultRoute(role, plan.inside(1));
  }
}

function routerRules(plan: AddressPlan, virtual: Endpoint, real: readonly Endpoint[], masquerade: boolean): string {
  const port = real[0]!.port;
  const turns = real.map(({ address }, i) => `${i} : ${address}`).join(", ");
  const target = `numgen inc mod ${real.length} map { ${turns} }`;
  const rewrite = (protocol: string): string =>
    `${plan.nft} daddr ${virtual.address} ${protocol} dport ${virtual.port} dnat to ${target}:${port}`;
  return `table ${plan.nft} lab {
    chain arrive { type nat hook prerouting priority dstnat; ${rewrite("tcp")}; ${rewrite("udp")}; }
    chain leave { type nat hook postrouting priority srcnat; ${masquerade ? 'oifname "br0" masquerade;' : ""} }
  }`;
}
