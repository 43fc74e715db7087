/** What is collected at all: protocols, and connections on the loopback, left out as near to the kernel as may be. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { Follower } from "../ingest/follower.ts";
import { runConntrail, startConntrail } from "../lab/conntrail.ts";
import { createLab, kernelTest, type LabNamespace } from "../lab/index.ts";
import { TRACK } from "../lab/topology.ts";

/** An address of the host that is not the loopback's, though it is reached by the same device. */
const ELSEWHERE = ["10.9.0.1", "fd09::1"] as const;
const LOOPBACK = ["127.0.0.1", "::1"] as const;

interface Seen {
  readonly connections: readonly {
    readonly protocol: string;
    readonly sources: readonly string[];
    readonly to: { readonly address: string; readonly port: number };
  }[];
}

/** Held connections over TCP and UDP, at each of the addresses. */
async function traffic(host: LabNamespace): Promise<void> {
  await host.nft(TRACK);
  await host.exec("ip", ["address", "add", `${ELSEWHERE[0]}/32`, "dev", "lo"]);
  await host.exec("ip", ["-6", "address", "add", `${ELSEWHERE[1]}/128`, "dev", "lo", "nodad"]);
  for (const address of [...LOOPBACK, ...ELSEWHERE]) {
    const tcp = await host.start("tcp-server", { host: address });
    await host.start("tcp-client", { host: address, port: tcp.ready.port!, hold: true });
  }
  const udp = await host.start("udp-server", { host: ELSEWHERE[0], port: 5000 });
  await host.start("udp-client", { host: ELSEWHERE[0], port: udp.ready.port!, sockets: 1, count: 1 });
}

function told({ connections }: Seen): string[] {
  return [...new Set(connections.map(({ protocol, to }) => `${protocol} ${to.address}`))].sort();
}

describe("what is collected", () => {
  kernelTest(
    "without the loopback is what goes elsewhere, by conntrack, by sockets and by a replay of both",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      await traffic(host);
      const folder = mkdtempSync(join(tmpdir(), "conntrail-collection-"));
      try {
        const file = join(folder, "without.pcapng");
        const only = ["--namespaces", "own", "--no-names", "--no-loopback"];
        const elsewhere = [`tcp ${ELSEWHERE[0]}`, `tcp ${ELSEWHERE[1]}`, `udp ${ELSEWHERE[0]}`];
        for (const source of ["--no-sockets", "--no-conntrack"]) {
          const { stdout, stderr } = await runConntrail(host, ["report", "--format", "json", source, ...only]);
          const seen = told(JSON.parse(stdout) as Seen);
          expect(
            seen.filter((text) => text.startsWith("tcp")),
            `${source}: ${stderr}`,
          ).toEqual(elsewhere.slice(0, 2));
        }
        const recorded = await runConntrail(host, ["record", file, "--duration", "3s", ...only]);
        expect(recorded.code, recorded.stderr).toBe(0);
        const replayed = await runConntrail(undefined, ["replay", file, "--format", "json"]);
        expect(told(JSON.parse(replayed.stdout) as Seen)).toEqual(elsewhere);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  kernelTest("of one protocol has sockets of no other", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    await traffic(host);
    const only = ["--namespaces", "own", "--no-names", "--protocol", "udp"];
    const watch = startConntrail(host, ["watch", "--format", "ndjson", "--interval", "500ms", ...only]);
    let seen: Seen;
    do seen = JSON.parse(await watch.line(() => true, 40_000)) as Seen;
    while (seen.connections.length === 0);
    expect(told(seen)).toEqual([`udp ${ELSEWHERE[0]}`]);
    const tcp = ["--namespaces", "own", "--no-names", "--protocol", "tcp", "--no-conntrack"];
    const { stdout } = await runConntrail(host, ["report", "--format", "json", ...tcp]);
    expect(told(JSON.parse(stdout) as Seen).every((text) => text.startsWith("tcp"))).toBe(true);
  });

  kernelTest("without the loopback costs no event of it: the kernel does not send them", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    await host.nft(TRACK);
    await host.exec("ip", ["address", "add", `${ELSEWHERE[0]}/32`, "dev", "lo"]);
    const all = await Follower.start(host);
    const without = await Follower.start(host, { loopback: false });
    for (const follower of [all, without]) await follower.ready();
    for (const [address, connections] of [
      [LOOPBACK[0], 30],
      [LOOPBACK[1], 20],
      [ELSEWHERE[0], 10],
    ] as const) {
      const server = await host.start("tcp-server", { host: address });
      await (await host.start("tcp-client", { host: address, port: server.ready.port!, connections })).exited;
    }
    await all.until(({ health }) => health.events.new === 60);
    await without.until(({ health }) => health.events.new >= 10);
    const { health } = await without.state();
    expect(health.events.new).toBe(10);
    expect(health.undecodable).toBe(0);
  });
});
