/** Arbitrary records for the laws of captures (fast-check). Times are whole microseconds, which is what a file keeps. */
import type { CaptureRecord, ScanAccount, SidecarRecord } from "@conntrail/capture";
import { type NamespaceFacts, type Owner, SOCKET_WORDS } from "@conntrail/model";
import fc from "fast-check";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const count = fc.nat();
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const timeMs = fc.integer({ min: 0, max: 4_000_000_000_000_000 }).map((micros) => micros / 1000);
const words = (length: number): fc.Arbitrary<Uint32Array> => fc.uint32Array({ minLength: length, maxLength: length });
const family = fc.constantFrom(4, 12);
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });

const host = fc.record({
  id: text,
  name: text,
  localNetworks: fc.array(text),
  kernelVersion: text,
  uptimeSeconds: count,
});
/** What is known about a namespace. */
export const facts: fc.Arbitrary<NamespaceFacts> = fc.record(
  {
    netns: u32,
    readFromMs: fc.nat(1000),
    readByMs: fc.integer({ min: 1000, max: 2000 }),
    addresses: fc
      .array(words(4), { maxLength: 4 })
      .map((list) => Uint32Array.from(list.flatMap((address) => [...address]))),
    ephemeral: fc.record({ low: u32, high: u32 }),
    name: text,
    devices: fc.array(fc.record({ index: u32, name: text }), { minLength: 1, maxLength: 2 }),
    localRoutes: fc.array(fc.record({ network: fc.constantFrom("10.0.0.0/8", "::/0"), forAll: fc.boolean() }), {
      minLength: 1,
      maxLength: 2,
    }),
  },
  { requiredKeys: ["netns", "readFromMs", "readByMs", "addresses", "ephemeral"] },
);
/** A process. */
export const owner: fc.Arbitrary<Owner> = fc.record({
  pid: u32,
  startTicks: count,
  process: text,
  ppid: u32,
  cmdline: text,
  cgroup: text,
  containerId: text,
});
const state = fc.constantFrom("ok" as const, "degraded" as const, "off" as const);
const scanHealth = fc.record({
  state,
  reason: fc.constantFrom(null, "hidepid" as const),
  advice: nullable(text),
  scans: count,
  durationMs: count,
  sockets: count,
  attributed: count,
  processes: count,
  namespaces: count,
  undecodable: count,
  uncut: count,
  backend: fc.constantFrom("sock_diag" as const, "proc" as const, "none" as const),
});
const ingestHealth = fc.record({
  state,
  reason: fc.constantFrom(null, "no-rule" as const),
  advice: nullable(text),
  completeSinceMs: nullable(count),
  events: fc.record({ new: count, update: count, destroy: count }),
  lost: nullable(count),
  overruns: count,
  resyncs: count,
  reconciliations: count,
  undecodable: count,
  flows: count,
  capacity: count,
  evicted: count,
  aggregated: count,
  receiveBufferBytes: count,
  namespaces: count,
});
const containersHealth = fc.record({
  state,
  reason: fc.constant(null),
  advice: fc.option(text),
  cached: count,
  pending: count,
  requests: count,
  failures: count,
  dropped: count,
});
/** What an address is called, or what became of the question for it. */
const answer = fc.oneof(
  fc.record({ address: words(4), names: fc.array(text, { maxLength: 3 }) }),
  fc.record({
    address: words(4),
    names: fc.constant([]),
    inquiry: fc.record(
      {
        outcome: fc.constantFrom("none", "failed", "waiting", "not-asked"),
        failure: fc.constantFrom("timeout", "unreachable", "server-failure", "malformed", "truncated"),
        servers: fc.array(text, { maxLength: 2 }),
        queries: count,
      },
      { requiredKeys: ["outcome", "servers", "queries"] },
    ),
  }),
);

const namesHealth = fc.record({
  state,
  reason: fc.constantFrom(null, "timeouts" as const),
  cached: count,
  pending: count,
  requests: count,
  hits: count,
  lookups: count,
  failures: count,
  dropped: count,
});
/** A scan's account of itself. */
export const scanAccount: fc.Arbitrary<ScanAccount> = fc.record({
  scans: count,
  durationMs: count,
  backend: fc.constantFrom("sock_diag" as const, "proc" as const, "none" as const),
  states: count,
  maxSockets: count,
  ownersWanted: fc.boolean(),
  procReadable: fc.boolean(),
  hidepid: fc.constantFrom("off" as const, "noaccess" as const, "invisible" as const, "ptraceable" as const),
  processes: count,
  denied: count,
  unreachable: count,
  unreadable: count,
});
const table = fc
  .record({
    timeMs: count,
    cutMs: nullable(count),
    startedMs: count,
    rows: fc.array(words(SOCKET_WORDS), { maxLength: 3 }),
    owners: fc.array(owner, { maxLength: 2 }),
    namespaces: fc.array(facts, { maxLength: 2 }),
    health: scanHealth,
  })
  .map(({ rows, ...rest }) => ({
    kind: "sockets" as const,
    ...rest,
    count: rows.length,
    rows: Uint32Array.from(rows.flatMap((row) => [...row])),
  }));
const kind = <const K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

/** Any record that is not netlink. */
const sidecarRecord: fc.Arbitrary<SidecarRecord> = fc.oneof(
  fc.record({ kind: kind("host"), timeMs, host }),
  fc.record({ kind: kind("namespace"), timeMs, facts }),
  fc.record({ kind: kind("released"), timeMs, netns: u32 }),
  fc.record({ kind: kind("emptied"), timeMs, netns: u32 }),
  fc.record({
    kind: kind("owners"),
    timeMs,
    owners: fc.array(owner, { maxLength: 4 }),
    holders: fc.uint32Array({ maxLength: 9 }),
  }),
  fc.record({
    kind: kind("containers"),
    timeMs,
    answers: fc.array(
      fc.record({
        id: text,
        facts: fc.record({ name: text, image: text, pod: text }, { requiredKeys: ["name", "image"] }),
      }),
      { maxLength: 3 },
    ),
    health: containersHealth,
  }),
  fc.record({
    kind: kind("names"),
    timeMs,
    answers: fc.array(answer, { maxLength: 3 }),
  }),
  fc.record({
    kind: kind("loss"),
    timeMs,
    cause: fc.constantFrom("overrun" as const, "truncated" as const, "restart" as const, "recorder" as const),
    netns: u32,
    family,
    sinceMs: count,
    count: nullable(count),
  }),
  fc.record({
    kind: kind("dump"),
    timeMs,
    phase: fc.constantFrom("begin" as const, "end" as const),
    netns: u32,
    family,
    addressFamily: fc.constantFrom(0, 2, 10),
    protocol: fc.constantFrom(0, 6, 17),
    tellClosed: fc.boolean(),
    interrupted: fc.boolean(),
    error: nullable(text),
  }),
  fc.record({ kind: kind("scan"), timeMs, phase: kind("begin") }),
  fc.record({ kind: kind("scan"), timeMs, phase: kind("end"), account: scanAccount, cutMs: nullable(count) }),
  fc.record({ kind: kind("proc-net"), timeMs, netns: u32, protocol: u32, bytes: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({ kind: kind("sockets"), timeMs, table }),
  fc.record({ kind: kind("health"), timeMs, part: kind("conntrack"), health: ingestHealth, cutMs: nullable(count) }),
  fc.record({ kind: kind("health"), timeMs, part: kind("sockets"), health: scanHealth }),
  fc.record({ kind: kind("health"), timeMs, part: kind("names"), health: namesHealth }),
  fc.record({ kind: kind("tick"), timeMs, final: fc.boolean(), wallAheadMs: fc.integer() }),
  fc.record({
    kind: kind("options"),
    timeMs,
    options: fc.dictionary(fc.string({ maxLength: 8 }), fc.oneof(text, count, fc.boolean(), fc.constant(null)), {
      noNullPrototype: true,
    }),
  }),
);

/** Any record, netlink ones with a well-formed header and arbitrary payload. */
export const captureRecord: fc.Arbitrary<CaptureRecord> = fc.oneof(
  { weight: 1, arbitrary: sidecarRecord },
  {
    weight: 2,
    arbitrary: fc
      .record({
        kind: kind("netlink"),
        timeMs,
        netns: u32,
        family,
        outgoing: fc.boolean(),
        multicast: fc.boolean(),
        payload: fc.uint8Array({ maxLength: 300 }),
      })
      .map(({ payload, ...rest }) => {
        const bytes = new Uint8Array(16 + payload.length);
        new DataView(bytes.buffer).setUint32(0, bytes.length, true);
        bytes.set(payload, 16);
        return { ...rest, bytes };
      }),
  },
);
