/**
 * Hosts that call one another, as a model: what each host's reporter would tell the store, and the edges that are true. Services with
 * replicas, callers in containers behind their own host's masquerade, virtual addresses on balancers, gateways that translate twice, clocks that
 * are wrong, reporters that are started anew, halves that were lost. The same seed gives the same fleet.
 */

import { type FleetRow, hostId, legsOf, livesOf, processName, rowOf, type Service } from "./fleet-row.ts";

/** What a fleet is made of. */
export interface FleetOptions {
  readonly hosts: number;
  readonly connections: number;
  readonly seed: number;
  /** Clocks are wrong by up to this much either way. Default 400 ms. */
  readonly skewMs?: number;
  /** Share of halves that never reach the store. Default 0. */
  readonly lost?: number;
  /** Share of hosts whose reporter is started anew once, somewhere in the stretch. Default 0. */
  readonly restarts?: number;
  /** When the first connection begins, Unix milliseconds, and how long the stretch is. */
  readonly startMs: number;
  readonly spanMs: number;
}

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

/** Services that a host calls. */
const CALLED = 12;
/** Programs of a host that call others. */
const CALLERS = 3;
/** Linux's: 32,768 to 60,999. */
const EPHEMERAL_PORTS = 28_232;
const PORT_STEP = 9973;

/** Makes a fleet. */
export function fleet(options: FleetOptions): Fleet {
  const { hosts, connections, startMs, spanMs, skewMs = 400, lost = 0, restarts = 0 } = options;
  const random = mulberry32(options.seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const skews = Array.from({ length: hosts }, () => Math.round((random() * 2 - 1) * skewMs));
  const services: Service[] = Array.from({ length: Math.max(2, Math.ceil(hosts / 5)) }, (_, i) => ({
    name: `service-${i}`,
    port: 1024 + (i % 20_000),
    replicas: Array.from({ length: 1 + pick(4) }, () => pick(hosts)),
    hops: i % 4 === 3 ? 2 : i % 4 === 2 ? 1 : 0,
    balancer: pick(hosts),
    gateway: pick(hosts),
  }));
  // Each host calls a few services, some of which everybody calls.
  const calls = skews.map(() =>
    Array.from({ length: CALLED }, () => services[Math.floor(random() ** 2 * services.length)]!),
  );
  const restartsMs = skews.map(() => (random() < restarts ? startMs + Math.floor(random() * spanMs) : undefined));
  const portsUsed = new Uint32Array(hosts);
  const truth: TrueEdge[] = [];
  let unknowable = 0;

  // Each port of the ephemeral range once before any comes again, in an order that no codec foresees: the step shares no factor with the range.
  const port = (host: number): number => 32_768 + ((portsUsed[host]!++ * PORT_STEP + host * 7919) % EPHEMERAL_PORTS);

  function* rows(): Generator<FleetRow> {
    for (let i = 0; i < connections; i++) {
      const client = pick(hosts);
      const called = pick(CALLED);
      const service = calls[client]![called]!;
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
      const caller = (client % 50) * CALLERS + (called % CALLERS);
      const told = path.map(() => random() >= lost);
      const legs = legsOf(path, service, { inContainer, port });
      const bytes = [300 + pick(2000), 500 + pick(60_000)] as const;
      for (const [hop, host] of path.entries()) {
        if (!told[hop]) continue;
        const facts = {
          host,
          leg: legs[hop]!,
          isClient: hop === 0,
          isServer: hop === path.length - 1,
          caller,
          service,
          bytes,
        };
        for (const life of livesOf(beganMs, lastsMs, restartsMs[host])) {
          yield rowOf({ ...facts, ...life, beganMs: life.beganMs + skews[host]! });
        }
      }
      if (told.every(Boolean)) {
        truth.push({
          client: hostId(client),
          server: hostId(server),
          clientProcess: processName(caller),
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
