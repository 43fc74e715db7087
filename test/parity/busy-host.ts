/**
 * A host with 300 connections of sixteen kinds that stay as they are while somebody looks: `left` and `right` are its neighbours, and it forwards between them,
 *
 *     left 10.N.1.2 ── 10.N.1.1 host 10.N.2.1 ── 10.N.2.2 right        (and fd00:N:1::, fd00:N:2::)
 *
 * by itself, translated by destination, by source, by both, and back to where it came from. Timeouts are so long that no entry ends on a slow machine.
 */
import { fileURLToPath } from "node:url";
import { createLab, type Lab, type LabNamespace, TRACK } from "../lab/index.ts";

const ENDS = fileURLToPath(new URL("./programs/ends.py", import.meta.url));

/** Connections of each kind. */
export const EACH = 19;

/** The kinds, by what they are opened for: every one is `EACH` connections. */
export const KINDS = {
  out: "TCP from the host",
  in: "TCP to the host, by IPv4 to a socket of IPv6 (mapped)",
  out6: "TCP from the host, IPv6",
  loopback: "TCP on the loopback",
  redirect: "TCP on the loopback, redirected to another port",
  half: "TCP of which the host closed its side",
  syn: "TCP that nobody answers",
  timeWait: "TCP that the host closed just now",
  udp: "UDP with connect()",
  loose: "UDP without connect()",
  silent: "UDP that nobody answers",
  forwarded: "TCP through the host, as it is",
  dnat: "TCP through the host, destination translated",
  snat: "TCP through the host, source translated",
  masquerade: "TCP through the host, masqueraded",
  hairpin: "TCP from the server's own host by the virtual address",
} as const;

/** INIT of SCTP (RFC 9260, 3.3.2) from port 5000 to port 5001, and a GRE header (RFC 2784): what raw sockets send where the kernel has no such sockets. */
const SCTP_INIT = "138813890000000000000000010000140000000100010000000a000a00000001";
const GRE = "200008000000002a45000014000000004000000000000000000000000000";

/** Connections beside them: pings, an SCTP INIT, two GRE packets, and a datagram that an ICMP error answers. */
export const OTHERS = 7;

/** GRE of version 1 with the call id 42 (RFC 2637): the number that conntrack keeps. */
const PPTP = "2001880b0000002a";

/** The host, with everything open. */
export type BusyHost = Lab & { readonly host: LabNamespace };

/** Builds it; `network` is the second part of its addresses. */
export async function busyHost(network: number): Promise<BusyHost> {
  const lab = await createLab("host", "left", "right");
  try {
    await wire(lab, network);
    await open(lab, network);
    return Object.assign(lab, { host: lab.ns("host") });
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

async function wire(lab: Lab, network: number): Promise<void> {
  const host = lab.ns("host");
  for (const [third, role] of [
    [1, "left"],
    [2, "right"],
  ] as const) {
    const at = (last: number): string => `10.${network}.${third}.${last}`;
    const at6 = (last: number): string => `fd00:${network.toString(16)}:${third}::${last}`;
    await lab.link(
      { role, device: "eth0", address: `${at(2)}/24` },
      { role: "host", device: role, address: `${at(1)}/24` },
    );
    await lab.addAddress(role, "eth0", `${at6(2)}/64`);
    await lab.addAddress("host", role, `${at6(1)}/64`);
    await lab.addDefaultRoute(role, at(1));
    await host.sysctl(`net.ipv4.conf.${role}.send_redirects`, 0);
    // What nobody answers meets silence, not the answer that nobody is there.
    await lab
      .ns(role)
      .nft(
        "table inet mute { chain in { type filter hook input priority 0; th dport 9 drop; meta l4proto { 47, 132 } drop; }; }",
      );
  }
  await lab.addAddress("host", "right", `10.${network}.2.250/24`);
  await host.sysctl("net.ipv4.ip_forward", 1);
  await host.nft(TRACK);
  await host.nft(rules(network));
  for (const name of ["udp_timeout", "udp_timeout_stream", "icmp_timeout", "sctp_timeout_closed", "gre_timeout"]) {
    await host.sysctl(`net.netfilter.nf_conntrack_${name}`, 900);
  }
  for (const state of ["time_wait", "syn_sent", "fin_wait", "close_wait"]) {
    await host.sysctl(`net.netfilter.nf_conntrack_tcp_timeout_${state}`, 900);
  }
}

function rules(network: number): string {
  const [left, right] = [`10.${network}.1.0/24`, `10.${network}.2.0/24`];
  return `table ip nat {
    chain out { type nat hook output priority -100; ip daddr 127.0.0.1 tcp dport 81 redirect to :8081; }
    chain arrive { type nat hook prerouting priority dstnat; ip daddr 10.${network}.9.1 tcp dport 80 dnat to 10.${network}.2.2:8080; }
    chain leave { type nat hook postrouting priority srcnat;
      ip saddr ${right} ip daddr ${right} ct status dnat masquerade;
      ip saddr ${left} tcp dport 8082 snat to 10.${network}.2.250;
      ip saddr ${left} tcp dport 8083 masquerade; }
  }`;
}

async function open(lab: Lab, network: number): Promise<void> {
  const right = `10.${network}.2.2`;
  const right6 = `fd00:${network.toString(16)}:2::2`;
  const count = EACH;
  const serve = (...ports: number[]): object[] => ports.map((port) => ({ serve: "tcp", host: "0.0.0.0", port }));
  await running(lab, "right", [
    ...serve(8080, 8082, 8083, 8084, 8085),
    { serve: "tcp", host: "0.0.0.0", port: 8086, keep: true },
    { serve: "tcp", host: "::", port: 8087 },
    { serve: "udp", host: "0.0.0.0", port: 5300 },
    { serve: "udp", host: "0.0.0.0", port: 5301 },
  ]);
  await running(lab, "host", [...serve(8081, 8088), { serve: "tcp", host: "::", port: 8089 }]);
  await running(lab, "host", [
    { do: "tcp", host: right, port: 8085, count },
    { do: "tcp", host: right6, port: 8087, count },
    { do: "tcp", host: "127.0.0.1", port: 8088, count },
    { do: "tcp", host: "127.0.0.1", port: 81, count },
    { do: "half", host: right, port: 8086, count },
    { do: "syn", host: right, port: 9, count },
    { do: "closed", host: right, port: 8084, count },
    { do: "udp", host: right, port: 5300, count },
    { do: "loose", host: right, port: 5301, count },
    { do: "silent", host: right, port: 9, count },
    { do: "ping", host: right, port: 700, count: 3 },
    { do: "raw", host: right, protocol: 132, packet: SCTP_INIT, count: 1 },
    { do: "silent", host: right, port: 7, count: 1 },
    { do: "raw", host: right, protocol: 47, packet: PPTP, count: 1 },
    { do: "raw", host: right, protocol: 47, packet: GRE, count: 1 },
  ]);
  await running(lab, "left", [
    { do: "tcp", host: `10.${network}.1.1`, port: 8089, count },
    { do: "tcp", host: right, port: 8085, count },
    { do: "tcp", host: `10.${network}.9.1`, port: 80, count },
    { do: "tcp", host: right, port: 8082, count },
    { do: "tcp", host: right, port: 8083, count },
  ]);
  await running(lab, "right", [{ do: "tcp", host: `10.${network}.9.1`, port: 80, count }]);
}

async function running(lab: Lab, role: string, plan: readonly object[]): Promise<void> {
  const program = lab.ns(role).spawn("python3", [ENDS, JSON.stringify(plan)]);
  await program.line((line) => line === "ready", 60_000);
}
