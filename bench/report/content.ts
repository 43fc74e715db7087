/** Reports to measure with: the traffic of ../fixtures.ts as the merge would hand it on, in the same columns every run. */
import {
  ADDRESS_WORDS,
  allocateColumns,
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  EVIDENCE,
  FAMILY,
  indexOf,
  NAT_KIND,
  OWNER_REASON,
  type Owner,
  PROTOCOL,
  type ReportContent,
  SOURCE,
  writeIpv4,
} from "@conntrail/model";
import { fixtureFlows } from "../fixtures.ts";
import { seededRandom } from "../random.ts";

const NOW_MS = Date.UTC(2026, 0, 15, 12, 0, 0);
const PROCESSES = 200;
/** Servers up to this address are on the host itself. */
const LAST_LOCAL_SERVER = 0x0ac8_0064;
const NETNS = 4_026_531_833;

/** What a report is made of. */
export interface ContentShape {
  readonly connections: number;
  /** Share of connections that went through a virtual address, 0 to 1. */
  readonly nat: number;
}

/** Live connections from clients of this host; client processes known, half of the servers local and known, all of them named. */
export function makeContent({ connections, nat }: ContentShape): ReportContent {
  const columns = allocateColumns(connections);
  columns.length = connections;
  const random = seededRandom(2);
  const names = new Map<number, number>();
  for (const [i, flow] of fixtureFlows(connections, { nat }).entries()) {
    const at = i * ADDRESS_WORDS;
    const local = flow.server <= LAST_LOCAL_SERVER;
    writeIpv4(columns.originalSource, at, flow.client);
    writeIpv4(columns.replyDestination, at, flow.client);
    writeIpv4(columns.originalDestination, at, flow.visible);
    writeIpv4(columns.replySource, at, flow.server);
    columns.originalPorts[i] = (flow.clientPort << 16) | flow.visiblePort;
    columns.replyPorts[i] = (flow.serverPort << 16) | flow.clientPort;
    columns.protocol[i] = PROTOCOL.tcp;
    columns.family[i] = FAMILY.ipv4;
    columns.netns[i] = NETNS;
    columns.sources[i] = SOURCE.conntrack | SOURCE.sockets;
    columns.flags[i] = CONNECTION_FLAG.fromLocal | (local ? CONNECTION_FLAG.toLocal : 0);
    columns.evidence[i] = indexOf(EVIDENCE, "conntrack");
    columns.confidence[i] = indexOf(CONFIDENCE, "certain");
    columns.state[i] = indexOf(CONNECTION_STATE, "established");
    columns.nat[i] = indexOf(NAT_KIND, flow.visible === flow.server ? "none" : "dnat");
    columns.fromOwner[i] = 1 + Math.floor(random() * PROCESSES);
    columns.toOwner[i] = local ? 1 + (flow.server % PROCESSES) : 0;
    columns.toReason[i] = indexOf(OWNER_REASON, local ? "known" : "not-local");
    columns.toNames[i] = names.get(flow.server) ?? names.size + 1;
    names.set(flow.server, columns.toNames[i]!);
    columns.count[i] = 1;
    columns.firstSeenMs[i] = NOW_MS - Math.floor(random() * 3_600_000);
    columns.lastSeenMs[i] = NOW_MS - Math.floor(random() * 1000);
    columns.originalPackets[i] = -1;
    columns.replyPackets[i] = -1;
  }
  return { ...SURROUNDINGS, names: [...names.values()].map((name) => [`server-${name}.example`]), columns };
}

const owners = Array.from(
  { length: PROCESSES },
  (_, i): Owner => ({
    pid: 1000 + i,
    startTicks: 5000 + i,
    process: `service-${i}`,
    ppid: 1,
    cmdline: `/usr/bin/service-${i} --listen 0.0.0.0:8080 --config /etc/service-${i}.yaml`,
    cgroup: `/system.slice/service-${i}.service`,
    containerId: "",
  }),
);

const SURROUNDINGS: Omit<ReportContent, "columns" | "names"> = {
  sequence: 1,
  host: {
    id: "bench-host",
    name: "bench",
    localNetworks: ["10.0.0.0/16"],
    kernelVersion: "6.18.0",
    uptimeSeconds: 86_400,
  },
  window: { startMs: NOW_MS - 1000, endMs: NOW_MS },
  owners,
  health: {
    conntrack: {
      state: "ok",
      reason: null,
      advice: null,
      completeSinceMs: NOW_MS - 60_000,
      events: { new: 1, update: 2, destroy: 3 },
      lost: 0,
      overruns: 0,
      resyncs: 0,
      reconciliations: 0,
      undecodable: 0,
      flows: 100_000,
      capacity: 262_144,
      evicted: 0,
      aggregated: 0,
      receiveBufferBytes: 8 << 20,
      namespaces: 1,
    },
    sockets: {
      state: "ok",
      reason: null,
      advice: null,
      scans: 60,
      durationMs: 30,
      sockets: 100_000,
      attributed: 100_000,
      processes: PROCESSES,
      namespaces: 1,
      undecodable: 0,
      backend: "sock_diag",
      uncut: 0,
      timeMs: NOW_MS - 200,
    },
    names: {
      state: "ok",
      reason: null,
      cached: 200,
      pending: 0,
      requests: 1000,
      hits: 900,
      lookups: 100,
      failures: 0,
      dropped: 0,
    },
    merge: { aggregated: 0, dropped: 0 },
    trace: {
      state: "ok",
      reason: null,
      advice: null,
      events: 500,
      lost: 0,
      undecodable: 0,
      facts: 120,
      cpus: 2,
      ringBytes: 1_048_576,
      processes: 80,
      senders: "on",
    },
  },
};
