/**
 * Hosts that call one another, as a model: what each host's reporter would tell the store, and the edges that are true. Services with
 * replicas, callers in containers behind their own host's masquerade, virtual addresses on balancers, gateways that translate twice, clocks that
 * are wrong, reporters that began late, halves that were lost. The same seed gives the same fleet.
 */

/** What a fleet is made of. */
export interface FleetOptions {
  readonly hosts: number;
  readonly connections: number;
  readonly seed: number;
  /** Clocks are wrong by up to this much either way. Default 400 ms. */
  readonly skewMs?: number;
  /** Share of halves that never reach the store. Default 0. */
  readonly lost?: number;
  /** When the first connection begins, Unix milliseconds, and how long the stretch is. */
  readonly startMs: number;
  readonly spanMs: number;
}

/** One row as a host tells it: values by the name of their column (sql/0001-connections.sql of the store). */
export type FleetRow = Readonly<Record<string, string | number>>;

/** A connection that can be known: both halves were told, and each translating host's too. */
export interface TrueEdge {
  readonly client: string;
  readonly server: string;
  readonly clientProcess: string;
  readonly serverProcess: string;
  readonly clientAddress: string;
  readonly clientPort: number;
  /** How many hosts translate between them. */
  readonly hops: number;
}

/** A fleet's rows in order of their telling, lazily, and the truth beside them. */
export interface Fleet {
  rows(): Generator<FleetRow>;
  /** Complete once `rows` has been read to its end. */
  readonly truth: readonly TrueEdge[];
  readonly unknowable: () => number;
}

interface Service {
  readonly name: string;
  readonly port: number;
  readonly replicas: readonly number[];
  /** 0: called at the replica; 1: through a balancer that rewrites both ends; 2: through a balancer and a gateway. */
  readonly hops: 0 | 1 | 2;
  readonly balancer: number;
  readonly gateway: number;
}

/** Makes a fleet. */
export function fleet(options: FleetOptions): Fleet {
  const { hosts, connections, startMs, spanMs, skewMs = 400, lost = 0 } = options;
  const random = mulberry32(options.seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const skews = Array.from({ length: hosts }, () => Math.round((random() * 2 - 1) * skewMs));
  const nextPort = new Uint16Array(hosts).fill(32_768);
  const services: Service[] = Array.from({ length: Math.max(2, Math.ceil(hosts / 5)) }, (_, i) => ({
    name: `service-${i}`,
    port: 1024 + (i % 20_000),
    replicas: Array.from({ length: 1 + pick(4) }, () => pick(hosts)),
    hops: i % 4 === 3 ? 2 : i % 4 === 2 ? 1 : 0,
    balancer: pick(hosts),
    gateway: pick(hosts),
  }));
  const truth: TrueEdge[] = [];
  let unknowable = 0;

  const port = (host: number): number => {
    const value = nextPort[host]!;
    nextPort[host] = value >= 60_999 ? 32_768 : value + 1;
    return value;
  };

  function* rows(): Generator<FleetRow> {
    for (let i = 0; i < connections; i++) {
      const service = services[pick(services.length)]!;
      const client = pick(hosts);
      const server = service.replicas[pick(service.replicas.length)]!;
      const path = [
        client,
        ...(service.hops > 0 ? [service.balancer] : []),
        ...(service.hops > 1 ? [service.gateway] : []),
        server,
      ];
      if (new Set(path).size !== path.length) continue;
      const beganMs = startMs + Math.floor((i / connections) * spanMs);
      const lastsMs = random() < 0.9 ? Math.ceil(random() * 200) : Math.ceil(random() * 60_000);
      const inContainer = pick(4) === 0;
      const process = `caller-${client % 50}`;
      const told = path.map(() => random() >= lost);
      const legs = legsOf(path, service, { inContainer, port });
      for (const [hop, host] of path.entries()) {
        if (!told[hop]) continue;
        yield rowOf({
          host,
          leg: legs[hop]!,
          isClient: hop === 0,
          isServer: hop === path.length - 1,
          process,
          service,
          beganMs: beganMs + skews[host]!,
          lastsMs,
          sequence: Math.floor((beganMs - startMs) / 1000),
        });
      }
      if (told.every(Boolean)) {
        truth.push({
          client: hostId(client),
          server: hostId(server),
          clientProcess: process,
          serverProcess: service.name,
          clientAddress: legs[0]!.from[0],
          clientPort: legs[0]!.from[1],
          hops: service.hops,
        });
      } else unknowable++;
    }
  }
  return { rows, truth, unknowable: () => unknowable };
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
function legsOf(
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

interface RowFacts {
  readonly host: number;
  readonly leg: Leg;
  readonly isClient: boolean;
  readonly isServer: boolean;
  readonly process: string;
  readonly service: Service;
  readonly beganMs: number;
  readonly lastsMs: number;
  readonly sequence: number;
}

function rowOf({ host, leg, isClient, isServer, process, service, beganMs, lastsMs, sequence }: RowFacts): FleetRow {
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
    sequence,
    event: "closed",
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
    from_pid: isClient ? 1000 + (host % 30_000) : 0,
    to_pid: isServer ? 500 + (service.port % 30_000) : 0,
    from_process: isClient ? process : "",
    to_process: isServer ? service.name : "",
    from_owner_reason: isClient ? "" : "not-local",
    to_owner_reason: isServer ? "" : "not-local",
    evidence: "conntrack",
    confidence: "certain",
    state: "closed",
    transit: isClient || isServer ? 0 : 1,
    aggregated: 0,
    self_traffic: 0,
    opened: 1,
    closed: 1,
    failed: 0,
    from_packets: 6,
    from_bytes: 400 + (service.port % 1000),
    to_packets: 5,
    to_bytes: 2000 + ((beganMs * 7919) % 30_000),
    first_seen: beganMs / 1000,
    duration_ms: lastsMs,
  };
}

function hostId(host: number): string {
  return `host-${String(host).padStart(5, "0")}`;
}

function address(host: number): string {
  return `10.${1 + (host >> 16)}.${(host >> 8) & 255}.${host & 255}`;
}

/** A virtual address of a balancer: one a service, so that two services on one balancer stay apart. */
function virtual(host: number, port: number): string {
  return `10.${128 + (port % 100)}.${(host >> 8) & 255}.${host & 255}`;
}

/** A small seeded generator of numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
