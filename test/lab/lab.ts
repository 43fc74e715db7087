/**
 * A lab: network namespaces of a test's own, joined by veth pairs and bridges, with nftables rules, all gone when the
 * lab is disposed of. Nothing is made in the host's own namespace: both ends of a veth pair are born where they belong
 * (ip-link(8), veth(4)). Names are `ct-<pid>-<number>-<role>`; those of processes that died are swept first.
 */
import { existsSync, readdirSync } from "node:fs";
import { mustRun, runCommand } from "./command.ts";
import { killInside, LabNamespace } from "./namespace.ts";

/** One end of a link. */
export interface LinkEnd {
  readonly role: string;
  /** The interface's name inside its namespace, at most 15 characters. */
  readonly device: string;
  /** Address with prefix length, `10.1.0.1/24` or `fd00:1::1/64`; none for a bridge's port. */
  readonly address?: string;
  /** The bridge of the same namespace that this end becomes a port of. */
  readonly bridge?: string;
}

let counter = 0;
let swept: Promise<void> | undefined;

/** Makes an empty lab with the namespaces named, each with its loopback up. */
export async function createLab(...roles: readonly string[]): Promise<Lab> {
  swept ??= sweepStale();
  await swept;
  const lab = new Lab(`ct-${process.pid}-${++counter}`);
  try {
    for (const role of roles) await lab.addNamespace(role);
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  return lab;
}

/** Namespaces and the links between them. Made by `createLab` or a topology; `await using` takes it away again. */
export class Lab implements AsyncDisposable {
  readonly prefix: string;
  readonly #namespaces = new Map<string, LabNamespace>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The namespace of that role; throws when there is none. */
  ns(role: string): LabNamespace {
    const namespace = this.#namespaces.get(role);
    if (namespace === undefined)
      throw new Error(`no namespace ${role} in this lab: ${[...this.#namespaces.keys()].join(", ")}`);
    return namespace;
  }

  /** All namespaces, in the order in which they were made. */
  get namespaces(): readonly LabNamespace[] {
    return [...this.#namespaces.values()];
  }

  /** Makes a namespace and brings its loopback up. Duplicate address detection is off: an address works at once. */
  async addNamespace(role: string): Promise<LabNamespace> {
    const namespace = new LabNamespace(role, `${this.prefix}-${role}`);
    await mustRun("ip", ["netns", "add", namespace.name]);
    this.#namespaces.set(role, namespace);
    await this.#ip(role, ["link set lo up"]);
    if (existsSync("/proc/sys/net/ipv6")) await namespace.sysctl("net.ipv6.conf.default.accept_dad", 0);
    return namespace;
  }

  /** Makes a bridge, up, with an address if given. It forwards from the first moment and does not snoop on multicast. */
  async addBridge(role: string, device: string, address?: string): Promise<void> {
    const commands = [
      `link add ${device} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
      `link set ${device} up`,
    ];
    await this.#ip(role, commands);
    if (address !== undefined) await this.addAddress(role, device, address);
  }

  /** Joins two namespaces by a veth pair, both ends up. */
  async link(a: LinkEnd, b: LinkEnd): Promise<void> {
    await this.#ip(a.role, [`link add ${a.device} type veth peer name ${b.device} netns ${this.ns(b.role).name}`]);
    for (const end of [a, b]) {
      const bridge = end.bridge === undefined ? [] : [`link set ${end.device} master ${end.bridge}`];
      await this.#ip(end.role, [...bridge, `link set ${end.device} up`]);
      if (end.address !== undefined) await this.addAddress(end.role, end.device, end.address);
    }
  }

  /** Gives an interface an address with prefix length. */
  async addAddress(role: string, device: string, address: string): Promise<void> {
    await this.#ip(role, [`addr add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`]);
    this.ns(role).addresses.push(address.split("/", 1)[0]!);
  }

  /** Makes `gateway` the namespace's default route. */
  async addDefaultRoute(role: string, gateway: string): Promise<void> {
    await this.#ip(role, [`${gateway.includes(":") ? "-6 " : ""}route add default via ${gateway}`]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const namespaces = [...this.#namespaces.values()];
    this.#namespaces.clear();
    await Promise.all(namespaces.map((namespace) => namespace.stopAll()));
    for (const { name } of namespaces) await runCommand("ip", ["netns", "del", name]);
  }

  async #ip(role: string, commands: readonly string[]): Promise<void> {
    const { name } = this.ns(role);
    for (const command of commands) await mustRun("ip", ["-n", name, ...command.split(" ")]);
  }
}

/** Removes the labs of processes that no longer exist, with what still runs inside. */
export async function sweepStale(): Promise<void> {
  for (const name of namespaceNames()) {
    const owner = /^ct-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    await killInside(name);
    // Another test process may sweep the same one at the same time: then it is gone, which is what we want.
    await runCommand("ip", ["netns", "del", name]);
  }
}

function namespaceNames(): string[] {
  try {
    return readdirSync("/run/netns");
  } catch {
    return []; // No namespace has ever been made here.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
