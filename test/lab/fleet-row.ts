/**
 * A connection of the model of a fleet as the hosts on its way tell it: its tuple at each of them, and the row that the store gets
 * (sql/0001-connections.sql of the store).
 */

/** One row as a host tells it: values by the name of their column. */
export type FleetRow = Readonly<Record<string, string | number>>;

/** What is called. */
export interface Service {
  readonly name: string;
  readonly port: number;
  readonly replicas: readonly number[];
  /** 0: called at the replica; 1: through a balancer that rewrites both ends; 2: through a balancer and a gateway. */
  readonly hops: 0 | 1 | 2;
  readonly balancer: number;
  readonly gateway: number;
}

type End = readonly [address: string, port: number];

/** A connection at one host: its real ends there, and what each end sees of the other when the host translates. */
interface Leg {
  readonly from: End;
  readonly to: End;
  readonly seenFrom: End;
  readonly seenTo: End;
}

/** The same connection at each host of its path. */
export function legsOf(
  path: readonly number[],
  service: Service,
  { inContainer, port }: { readonly inContainer: boolean; readonly port: (host: number) => number },
): Leg[] {
  const client = path[0]!;
  const server: End = [address(path.at(-1)!), service.port];
  const callers: End = inContainer ? [`172.17.${client % 250}.2`, port(client)] : [address(client), port(client)];
  const called: End = path.length > 2 ? [virtual(path[1]!, service.port), service.port] : server;
  const leaves: End = inContainer ? [address(client), port(client)] : callers;
  const legs: Leg[] = [{ from: callers, to: called, seenFrom: leaves, seenTo: called }];
  let arriving: End = leaves;
  for (let hop = 1; hop < path.length - 1; hop++) {
    const aim: End = hop === path.length - 2 ? server : [virtual(path[hop + 1]!, service.port), service.port];
    const seenFrom: End = [address(path[hop]!), port(path[hop]!)];
    const seenTo: End = [virtual(path[hop]!, service.port), service.port];
    legs.push({ from: arriving, to: aim, seenFrom, seenTo });
    arriving = seenFrom;
  }
  legs.push({ from: arriving, to: server, seenFrom: arriving, seenTo: server });
  return legs;
}

/** What one life of a reporter sees of a connection. */
interface Life {
  readonly beganMs: number;
  readonly lastsMs: number;
  readonly event: "live" | "closed";
}

/** A reporter that is started anew while a connection lives tells the first part of it at its end, and the next one the rest. */
export function livesOf(beganMs: number, lastsMs: number, restartMs: number | undefined): Life[] {
  const before = (restartMs ?? 0) - beganMs;
  if (before <= 0 || before >= lastsMs) return [{ beganMs, lastsMs, event: "closed" }];
  return [
    { beganMs, lastsMs: before, event: "live" },
    { beganMs: beganMs + before, lastsMs: lastsMs - before, event: "closed" },
  ];
}

interface RowFacts extends Life {
  readonly host: number;
  readonly leg: Leg;
  readonly isClient: boolean;
  readonly isServer: boolean;
  readonly caller: number;
  readonly service: Service;
  /** From the client, from the server. */
  readonly bytes: readonly [number, number];
}

export function rowOf(facts: RowFacts): FleetRow {
  const { host, leg, isClient, isServer, caller, service, beganMs, lastsMs, event, bytes } = facts;
  const snat = leg.from[0] !== leg.seenFrom[0] || leg.from[1] !== leg.seenFrom[1];
  const dnat = leg.to[0] !== leg.seenTo[0] || leg.to[1] !== leg.seenTo[1];
  const nat = snat && dnat ? "dnat+snat" : snat ? "snat" : dnat ? "dnat" : "none";
  const translated = nat !== "none";
  return {
    time: Math.floor((beganMs + lastsMs) / 1000) + 1,
    scope: "model",
    host: hostId(host),
    host_name: hostId(host),
    boot: "boot",
    event,
    protocol: "tcp",
    netns: 4_026_531_833,
    from_address: leg.from[0],
    from_port: leg.from[1],
    to_address: leg.to[0],
    to_port: leg.to[1],
    nat,
    visible_from_address: translated ? leg.seenFrom[0] : "::",
    visible_from_port: translated ? leg.seenFrom[1] : 0,
    visible_to_address: translated ? leg.seenTo[0] : "::",
    visible_to_port: translated ? leg.seenTo[1] : 0,
    from_local: isClient ? 1 : 0,
    to_local: isServer ? 1 : 0,
    from_pid: isClient ? pidOf(host, caller) : 0,
    to_pid: isServer ? pidOf(host, service.port) : 0,
    from_process: isClient ? processName(caller) : "",
    to_process: isServer ? service.name : "",
    from_owner_reason: isClient ? "" : "not-local",
    to_owner_reason: isServer ? "" : "not-local",
    evidence: "conntrack",
    confidence: "certain",
    state: event === "closed" ? "closed" : "established",
    transit: isClient || isServer ? 0 : 1,
    aggregated: 0,
    self_traffic: 0,
    opened: 1,
    closed: event === "closed" ? 1 : 0,
    failed: 0,
    from_packets: 5 + (bytes[0] >> 9),
    from_bytes: bytes[0],
    to_packets: 4 + (bytes[1] >> 11),
    to_bytes: bytes[1],
    first_seen: beganMs / 1000,
    duration_ms: lastsMs,
  };
}

/** Each host has the same few programs, each with a pid of its own. */
function pidOf(host: number, program: number): number {
  return 300 + ((host * 40_503 + program * 2_654_435) % 4_000_000);
}

export function processName(caller: number): string {
  return `caller-${caller}`;
}

export function hostId(host: number): string {
  return `host-${String(host).padStart(5, "0")}`;
}

function address(host: number): string {
  return `10.${1 + (host >> 16)}.${(host >> 8) & 255}.${host & 255}`;
}

/** A virtual address of a balancer: one a service, so that two services on one balancer stay apart. */
function virtual(host: number, port: number): string {
  return `10.${128 + (port % 100)}.${(host >> 8) & 255}.${host & 255}`;
}
