/**
 * A small world to hold the merge against: a host that routes for two pods, a remote machine, a virtual address, and connections of
 * every kind with known lives. It turns into the batches, tables and ticks that conntrack and a scan would have given.
 */
import type { FlowBatch, SocketTable, Tick } from "@conntrail/model";
import fc from "fast-check";
import { batch, type ChangedFlow, destroyed, type FlowFixture, flow, HOST } from "./flow-fixture.ts";
import { tick } from "./snapshot-view.ts";
import { listener, namespace, owner, type SocketFixture, socket, table } from "./socket-fixture.ts";

const POD_A = HOST + 1;
const POD_B = HOST + 2;
export const STEP_MS = 100;

/** What a kind of connection looks like to the kernel, for a client port. `ends` are the real ones. */
export interface Kind {
  readonly ends: (port: number) => string;
  readonly flows: (port: number) => FlowFixture[];
  readonly client?: (port: number) => SocketFixture;
  readonly server?: (port: number) => SocketFixture;
}

/** Every kind of connection that the world has. */
export const KINDS = {
  outgoing: {
    ends: (port) => `10.0.0.1:${port} > 192.0.2.1:80`,
    flows: (port) => [flow(`10.0.0.1:${port} > 192.0.2.1:80`)],
    client: (port) => socket(`10.0.0.1:${port} > 192.0.2.1:80`),
  },
  incoming: {
    ends: (port) => `192.0.2.1:${port} > 10.0.0.1:22`,
    flows: (port) => [flow(`192.0.2.1:${port} > 10.0.0.1:22`)],
    server: (port) => socket(`10.0.0.1:22 > 192.0.2.1:${port}`),
  },
  loopback: {
    ends: (port) => `127.0.0.1:${port} > 127.0.0.1:80`,
    flows: (port) => [flow(`127.0.0.1:${port} > 127.0.0.1:80`).in(POD_A)],
    client: (port) => socket(`127.0.0.1:${port} > 127.0.0.1:80`).in(POD_A),
    server: (port) => socket(`127.0.0.1:80 > 127.0.0.1:${port}`).in(POD_A),
  },
  masqueraded: {
    ends: (port) => `10.244.0.5:${port} > 192.0.2.1:443`,
    flows: (port) => [
      flow(`10.244.0.5:${port} > 192.0.2.1:443`).in(POD_A),
      flow(`10.244.0.5:${port} > 192.0.2.1:443`).snat(`10.0.0.1:${port}`),
    ],
    client: (port) => socket(`10.244.0.5:${port} > 192.0.2.1:443`).in(POD_A),
  },
  service: {
    ends: (port) => `10.244.0.5:${port} > 10.244.0.6:8080`,
    flows: (port) => [
      flow(`10.244.0.5:${port} > 10.96.0.1:80`).in(POD_A),
      flow(`10.244.0.5:${port} > 10.96.0.1:80`).dnat("10.244.0.6:8080"),
      flow(`10.244.0.5:${port} > 10.244.0.6:8080`).in(POD_B),
    ],
    client: (port) => socket(`10.244.0.5:${port} > 10.96.0.1:80`).in(POD_A),
    server: (port) => socket(`10.244.0.6:8080 > 10.244.0.5:${port}`).in(POD_B),
  },
  untracked: {
    ends: (port) => `127.0.0.1:${port} > 127.0.0.1:5432`,
    flows: () => [],
    client: (port) => socket(`127.0.0.1:${port} > 127.0.0.1:5432`).in(POD_B),
    server: (port) => socket(`127.0.0.1:5432 > 127.0.0.1:${port}`).in(POD_B),
  },
} satisfies Readonly<Record<string, Kind>>;

/** One connection of the world. Times are Unix milliseconds; `process` is the client's, and nobody else's. */
export interface Life {
  readonly kind: keyof typeof KINDS;
  readonly port: number;
  readonly beginMs: number;
  readonly endMs: number;
  readonly pid: number;
  /** How long after the fact its events are read. */
  readonly lagMs: number;
  /** For each of its flows: whether the event of its end is read one batch late. */
  readonly late: readonly boolean[];
}

/** What happens in a world, and how often it is looked at. */
export interface World {
  readonly lives: readonly Life[];
  /** How long a scan takes: it sees each socket at some moment of that time. */
  readonly scanMs: number;
  readonly scanEvery: number;
  readonly tickEvery: number;
  /** Until then conntrack tells nothing; then it begins with a dump. 0: it tells everything. */
  readonly dumpMs: number;
}

const BEGIN_MS = 1000;
/** Ports come again this long after their connection has ended, at the earliest. */
const REUSE_MS = 400;

const life = fc.record({
  kind: fc.constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
  port: fc.integer({ min: 40_000, max: 40_002 }),
  beginMs: fc.integer({ min: BEGIN_MS + 1, max: BEGIN_MS + 6000 }),
  durationMs: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 60, max: 3000 })),
  lagMs: fc.integer({ min: 0, max: 60 }),
  late: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
});

/** The kinds whose sockets see the real ends: what a flow adds is not who, but how. */
const PLAIN_KINDS: readonly (keyof typeof KINDS)[] = ["outgoing", "incoming", "loopback", "untracked"];

/** Worlds of plain kinds in which conntrack comes late. */
export function lateWorlds(): fc.Arbitrary<World> {
  return fc.tuple(worlds, fc.integer({ min: 1, max: 40 })).map(([world, step]) => ({
    ...world,
    lives: world.lives.filter(({ kind }) => PLAIN_KINDS.includes(kind)),
    dumpMs: BEGIN_MS + step * STEP_MS,
  }));
}

/** Worlds in which no two connections have the same ends at the same time. */
export const worlds: fc.Arbitrary<World> = fc
  .record({
    drafts: fc.array(life, { maxLength: 25 }),
    scanMs: fc.integer({ min: 0, max: 90 }),
    scanEvery: fc.integer({ min: 1, max: 12 }),
    tickEvery: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ drafts, ...rest }) => {
    const lives: Life[] = [];
    for (const { durationMs, ...draft } of drafts) {
      const next: Life = { ...draft, endMs: draft.beginMs + durationMs, pid: 1000 + lives.length };
      if (!lives.some((other) => collide(other, next))) lives.push(next);
    }
    return { lives, dumpMs: 0, ...rest };
  });

function collide(a: Life, b: Life): boolean {
  // A masqueraded connection and an outgoing one never share a tuple: their services differ.
  if (a.kind !== b.kind || a.port !== b.port) return false;
  return a.beginMs < b.endMs + REUSE_MS && b.beginMs < a.endMs + REUSE_MS;
}

/** The moments of a world's batches, after all that happens. */
export function steps({ lives }: World): number[] {
  const lastMs = Math.max(BEGIN_MS, ...lives.map(({ endMs }) => endMs));
  const count = Math.ceil((lastMs - BEGIN_MS) / STEP_MS) + 25;
  return Array.from({ length: count }, (_, i) => BEGIN_MS + i * STEP_MS);
}

/** The inputs, in order: at each step a batch, sometimes a scan of that moment, sometimes a tick; at last a final tick. `mix` may change the order within a step. */
export function inputs(
  world: World,
  mix: <T>(items: T[]) => T[] = (items) => items,
): (FlowBatch | SocketTable | Tick)[] {
  const times = steps(world);
  const all = times.flatMap((nowMs, i) => {
    const news: (FlowBatch | SocketTable)[] = [batch(nowMs, changes(world, nowMs), { health: { namespaces: 3 } })];
    if (i % world.scanEvery === 0) news.push(scan(world, nowMs));
    const ticks = i % world.tickEvery === 0 ? [tick(nowMs)] : [];
    return [...mix(news), ...ticks];
  });
  return [...all, tick(times.at(-1)! + 1, true)];
}

/** What conntrack told since the step before. */
function changes({ lives, dumpMs }: World, nowMs: number): (FlowFixture | ChangedFlow)[] {
  if (nowMs < dumpMs) return [];
  const isNews = (atMs: number): boolean => nowMs - STEP_MS < atMs && atMs <= nowMs;
  return lives.flatMap((each) =>
    KINDS[each.kind].flows(each.port).flatMap((row, i) => {
      const beginMs = each.beginMs + each.lagMs;
      const endMs = each.endMs + each.lagMs;
      const toldMs = endMs + (each.late[i] ? STEP_MS : 0);
      const dumped = beginMs <= dumpMs;
      // The dump shows what the kernel has then: a flow that ended before is not in it.
      if (dumped && endMs <= dumpMs) return [];
      const seen = row.seen(dumped ? dumpMs : beginMs).id(each.pid * 4 + i);
      const begun = dumped ? seen.fromDump() : seen;
      const ended = begun.state("timeWait").seen(begun.facts.firstSeenMs, endMs);
      if (isNews(toldMs)) return [i === 1 ? destroyed(ended) : ended];
      return isNews(beginMs) || (dumped && nowMs === dumpMs) ? [begun] : [];
    }),
  );
}

/** True when the scan that ends at `nowMs` sees the connection's sockets. */
export function isScanned({ scanMs }: World, { pid, beginMs, endMs }: Life, nowMs: number): boolean {
  const atMs = nowMs - ((pid * 37) % (scanMs + 1));
  return beginMs <= atMs && atMs < endMs;
}

function scan(world: World, nowMs: number): SocketTable {
  const open = world.lives.filter((each) => isScanned(world, each, nowMs));
  const sockets = open.flatMap(({ kind, port, pid }) => {
    const { client, server }: Kind = KINDS[kind];
    return [
      client?.(port)
        .of(owner(pid, "client"))
        .inode(pid * 2),
      server?.(port).inode(pid * 2 + 1),
    ];
  });
  return table(nowMs, [...sockets.filter((each) => each !== undefined), listener("0.0.0.0:5432").in(POD_B)], {
    startedMs: nowMs - world.scanMs,
    namespaces: [namespace(HOST, "10.0.0.1"), namespace(POD_A, "10.244.0.5"), namespace(POD_B, "10.244.0.6")],
  });
}
