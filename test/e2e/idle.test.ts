/** T9: what is still costs nothing: how often the threads of `conntrail watch` are woken in a namespace where nothing happens. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { startConntrail } from "../lab/conntrail.ts";
import { createLab, kernelTest } from "../lab/index.ts";
import { TRACK } from "../lab/topology.ts";

const REPORTS = 6;

/** The first seconds are compilation, in threads of V8's own: on a busy machine more of them. */
const WINDOWS = 5;
const PER_SECOND = 30;

interface Seen {
  readonly health: {
    readonly sockets: { readonly scans: number; readonly state: string; readonly reason: string | null };
  };
  readonly connections: readonly {
    readonly from: { readonly pid: number | null };
    readonly to: { readonly pid: number | null };
  }[];
}

/** How often the threads of a process went to sleep so far: each time something woke them. */
function sleeps(pid: number): number {
  let count = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const [, voluntary] =
      /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/task/${tid}/status`, "utf8")) ?? [];
    count += Number(voluntary);
  }
  return count;
}

describe("a host where nothing happens", () => {
  kernelTest(
    "T9 wakes the program a few times a second, once it is compiled",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      await host.nft(TRACK);
      // The trace hears what all programs of the machine do, so it is left out here; bench/host has the whole.
      const only = ["--namespaces", "own", "--no-names", "--no-trace"];
      const watch = startConntrail(host, ["watch", "--format", "ndjson", "--interval", "1s", ...only]);
      for (let report = 0; report < REPORTS; report++) await watch.line(() => true, 30_000);
      const perSecond: number[] = [];
      while (perSecond.length < WINDOWS && !perSecond.some((count) => count < PER_SECOND)) {
        const before = sleeps(watch.pid);
        const began = performance.now();
        for (let report = 0; report < REPORTS; report++) await watch.line(() => true, 30_000);
        perSecond.push((sleeps(watch.pid) - before) / ((performance.now() - began) / 1000));
      }
      expect(Math.min(...perSecond), `${perSecond}`).toBeLessThan(PER_SECOND);
    },
    120_000,
  );

  kernelTest(
    "T9 has its sockets looked at by the kernel's counters, and a connection is seen as soon as ever",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      await host.nft(TRACK);
      const server = await host.start("tcp-server");
      const watch = startConntrail(host, [
        "watch",
        "--format",
        "ndjson",
        "--interval",
        "500ms",
        "--namespaces",
        "own",
        "--no-names",
      ]);
      const next = async (): Promise<Seen> => JSON.parse(await watch.line(() => true, 30_000)) as Seen;
      let first = await next();
      while (first.health.sockets.scans < 2) first = await next();
      let last = first;
      for (let report = 0; report < 12; report++) last = await next();
      // Each interval asks for a scan, and so does each second; what is left are those for their own sake.
      expect(last.health.sockets.scans - first.health.sockets.scans).toBeLessThan(6);
      expect(last.health.sockets).toMatchObject({ state: "ok", reason: null });
      const client = await host.start("tcp-client", { host: "127.0.0.1", port: server.ready.port!, hold: true });
      const isWhole = ({ connections }: Seen): boolean =>
        connections.some(({ from, to }) => from.pid === client.pid && to.pid === server.pid);
      while (!isWhole(last)) last = await next();
      // The trace has named both before a scan could.
      const { scans } = first.health.sockets;
      while (last.health.sockets.scans <= scans) last = await next();
    },
  );
});
