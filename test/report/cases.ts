/** The reports that the golden files tell, one situation each. */
import type { ReportContent } from "@conntrail/model";
import { makeContent, makeOwner } from "./content.ts";
import { SURROUNDINGS } from "./surroundings.ts";

const curl = makeOwner(101, "curl", { ppid: 100, cmdline: "curl http://shop.example/" });
const nginx = makeOwner(80, "nginx", { cgroup: "/system.slice/nginx.service" });
const app = makeOwner(300, "node", {
  cgroup: `/system.slice/docker-${"ab".repeat(32)}.scope`,
  containerId: "ab".repeat(32),
});
const other = makeOwner(301, "node");

const fromLocal = { flags: ["fromLocal"] } as const;
const bothLocal = { flags: ["fromLocal", "toLocal"] } as const;

/** The cases by name. */
export const CASES: Readonly<Record<string, ReportContent>> = {
  empty: makeContent([]),
  plain: makeContent([
    { from: "10.0.0.2 41234", to: "10.0.0.9 80", fromOwner: curl, ...fromLocal, counters: [10, 1200, 8, 64_000] },
    { from: "fd00::2 41235", to: "fd00::9 443", fromOwner: curl, ...fromLocal, zone: 3, mark: 255 },
    { from: "2001:db8:0:1:1:1:1:1 5000", to: "10.0.0.2 22", protocol: "sctp", toOwner: nginx, flags: ["toLocal"] },
    { from: "10.0.0.2 5353", to: "10.0.0.53 53", protocol: "udp", fromOwner: "no-socket", ...fromLocal, ageMs: 12 },
    { from: "10.0.0.2 77", to: "10.0.0.9 2048", protocol: "icmp", flags: ["fromLocal"], fromOwner: "no-socket" },
  ]),
  "loopback-in-two-namespaces": makeContent([
    { from: "127.0.0.1 40000", to: "127.0.0.1 80", fromOwner: curl, toOwner: nginx, netns: 100, ...bothLocal },
    { from: "127.0.0.1 40000", to: "127.0.0.1 80", fromOwner: other, toOwner: app, netns: 200, ...bothLocal },
    { from: "::1 40000", to: "::1 80", fromOwner: "no-socket", toOwner: "no-socket", netns: 200, ...bothLocal },
    { from: "127.0.0.1 40001", to: "127.0.0.1 80", fromOwner: "no-socket", netns: 0, ...bothLocal },
  ]),
  nat: makeContent([
    {
      from: "10.0.0.2 41000",
      to: "10.0.0.9 8080",
      visibleTo: "10.96.0.1 80",
      nat: "dnat",
      fromOwner: curl,
      ...fromLocal,
      toNames: ["backend.example"],
    },
    { from: "10.1.0.2 41001", to: "192.0.2.9 443", visibleFrom: "198.51.100.1 61001", nat: "snat", flags: ["transit"] },
    {
      from: "10.1.0.3 41002",
      to: "10.2.0.9 8443",
      visibleFrom: "10.2.0.1 61002",
      visibleTo: "10.96.0.2 443",
      nat: "dnat+snat",
      flags: ["transit"],
    },
    {
      from: "fd00::3 41003",
      to: "fd00:2::9 8443",
      visibleFrom: "fd00:2::1 61003",
      visibleTo: "fd00:96::2 443",
      nat: "dnat+snat",
      flags: ["transit", "offloaded"],
    },
    {
      from: "10.0.0.7 41004",
      to: "10.0.0.1 3128",
      visibleTo: "203.0.113.5 80",
      nat: "redirect",
      toOwner: nginx,
      flags: ["toLocal", "toOwnNamespace"],
    },
  ]),
  "one-virtual-address": makeContent([
    {
      from: "10.0.0.2 41000",
      to: "10.0.1.1 8080",
      visibleTo: "10.96.0.1 80",
      nat: "dnat",
      fromOwner: curl,
      ...bothLocal,
      toOwner: app,
    },
    {
      from: "10.0.0.3 41000",
      to: "10.0.1.2 8080",
      visibleTo: "10.96.0.1 80",
      nat: "dnat",
      ...bothLocal,
      toOwner: other,
    },
    {
      from: "10.0.0.2 41001",
      to: "10.0.1.2 8080",
      visibleTo: "10.96.0.1 80",
      nat: "dnat",
      fromOwner: curl,
      ...bothLocal,
      toOwner: other,
    },
    { from: "10.0.0.3 41001", to: "10.0.1.1 8080", visibleTo: "10.96.0.1 80", nat: "dnat", ...bothLocal, toOwner: app },
  ]),
  unknown: makeContent([
    {
      from: "10.0.0.2 1",
      to: "10.0.0.9 2",
      fromOwner: "permission",
      toOwner: "ambiguous",
      ...bothLocal,
      evidence: "none",
      confidence: "none",
    },
    {
      from: "10.0.0.2 40000",
      to: "10.0.0.9 41000",
      fromOwner: "no-process",
      evidence: "port-order",
      confidence: "guess",
      ...fromLocal,
    },
    {
      from: "10.0.0.2 40001",
      to: "10.0.0.9 80",
      fromOwner: "off",
      evidence: "ephemeral-port",
      confidence: "likely",
      sources: ["sockets"],
    },
    {
      from: "10.0.0.8 40001",
      to: "10.0.0.2 80",
      toOwner: nginx,
      toListener: true,
      evidence: "listener",
      sources: ["conntrack"],
      flags: ["toLocal"],
    },
    {
      from: "10.0.0.8 40002",
      to: "10.0.0.7 80",
      fromOwner: "unavailable",
      toOwner: "unavailable",
      flags: ["transit"],
      netns: 0,
    },
  ]),
  ended: makeContent([
    {
      from: "10.0.0.2 40000",
      to: "10.0.0.9 80",
      state: "closed",
      fromOwner: curl,
      ...fromLocal,
      ageMs: 600,
      idleMs: 400,
    },
    { from: "10.0.0.2 40001", to: "10.0.0.9 81", state: "failed", fromOwner: curl, ...fromLocal },
    { from: "10.0.0.2 40002", to: "10.0.0.9 82", state: "opening", fromOwner: curl, ...fromLocal },
    { from: "10.0.0.2 40003", to: "10.0.0.9 83", state: "unreplied", protocol: "udp", fromOwner: curl, ...fromLocal },
    { from: "10.0.0.2 40004", to: "10.0.0.9 84", state: "closing", ageMs: 3_700_000 },
    {
      from: "10.0.0.2 40005",
      to: "10.0.0.9 85",
      state: "closed",
      flags: ["endUnseen"],
      ageMs: 400_000_000,
      idleMs: 100,
    },
    { from: "10.0.0.2 40006", to: "10.0.0.9 86", state: "unknown", flags: ["selfTraffic"] },
  ]),
  aggregated: makeContent([
    {
      from: "10.0.0.2 0",
      to: "10.0.0.53 53",
      protocol: "udp",
      count: 1500,
      flags: ["aggregated", "fromLocal"],
      fromOwner: curl,
    },
    {
      from: "10.0.0.2 0",
      to: "10.0.0.54 53",
      protocol: "udp",
      count: 2,
      flags: ["aggregated", "fromLocal"],
      fromOwner: nginx,
    },
    {
      from: "fd00::2 0",
      to: "fd00::9 80",
      visibleFrom: "fd00::1 0",
      nat: "snat",
      count: 30,
      state: "closed",
      flags: ["aggregated", "transit"],
    },
  ]),
  announced: makeContent([
    { id: 7, from: "10.0.0.2 41000", to: "10.0.0.9 21" },
    {
      id: 8,
      from: "10.0.0.9 20",
      to: "10.0.0.2 41002",
      flags: ["expected"],
      master: {
        id: 7,
        protocol: "tcp",
        from: { address: "10.0.0.2", port: 41000 },
        to: { address: "10.0.0.9", port: 21 },
      },
    },
    {
      from: "fd00::9 5004",
      to: "fd00::2 5006",
      protocol: "udp",
      flags: ["expected"],
      master: {
        id: null,
        protocol: "udp",
        from: { address: "fd00::2", port: 5060 },
        to: { address: "fd00::9", port: 5060 },
      },
    },
  ]),
  names: makeContent([
    {
      from: "10.0.0.2 41000",
      to: "10.0.0.9 80",
      fromOwner: curl,
      ...fromLocal,
      fromNames: ["me.example"],
      toNames: ["www.example", "shop.example"],
    },
    {
      from: "10.0.0.2 41001",
      to: "10.0.0.9 443",
      fromOwner: curl,
      ...fromLocal,
      toNames: ["www.example", "shop.example"],
    },
    { from: "10.0.0.2 41002", to: "fd00::9 443", toNames: ["six.example"] },
  ]),
  "text-to-escape": makeContent(
    [
      {
        from: "10.0.0.2 41000",
        to: "10.0.0.9 80",
        fromOwner: makeOwner(1, 'a"b\\c', { cmdline: "say \u001b[31mred\u001b[0m\nand\ttab", cgroup: "/weird;path" }),
        toOwner: makeOwner(2, "逃\u202eesc", { cmdline: "invalid: \ufffd, lone: \ud800" }),
        ...bothLocal,
        toNames: ['"quoted".example', "ünï.example"],
      },
    ],
    { host: { ...SURROUNDINGS.host, id: 'host"a', name: "web\u00071\u001b[2J" } },
  ),
  "in-poor-health": makeContent(
    [{ from: "10.0.0.2 41000", to: "10.0.0.9 80", fromOwner: "permission", ...fromLocal }],
    {
      health: {
        conntrack: {
          ...SURROUNDINGS.health.conntrack,
          state: "off",
          reason: "not-permitted",
          advice: "Run as root or give the program CAP_NET_ADMIN.",
          completeSinceMs: null,
          lost: null,
          overruns: 2,
          evicted: 3,
          undecodable: 4,
        },
        sockets: {
          ...SURROUNDINGS.health.sockets,
          state: "degraded",
          reason: "partly-permitted",
          advice: "Processes of other users need CAP_SYS_PTRACE.",
          undecodable: 1,
          timeMs: null,
        },
        names: { ...SURROUNDINGS.health.names, state: "degraded", reason: "timeouts", dropped: 9 },
        merge: { aggregated: 5, dropped: 6 },
        trace: {
          ...SURROUNDINGS.health.trace,
          state: "off",
          reason: "not-permitted",
          advice: "Tracing needs root, or CAP_PERFMON.",
          cpus: 0,
        },
      },
    },
  ),
};
