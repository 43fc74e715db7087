/** How soon, and how completely: from connect() to the report with the process (T8), and the processes of short connections (F29). */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, toPort, watch } from "./reports.ts";

const SAMPLES = 20;
const INTERVAL_MS = 1000;

kernelTest(
  "from connect() to the report that shows it with both processes takes an interval and little more (T8)",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    const port = server.ready.port!;
    const opener = lab.host.spawn(process.execPath, ["-e", OPEN_ON_LINE, String(port)]);
    await using running = await watch(lab.host, [...OWN, "--no-names"], `${INTERVAL_MS}ms`);
    const opened = new Map<number, number>();
    const delays: number[] = [];
    const opening = (async () => {
      for (let i = 0; i < SAMPLES; i++) {
        opener.write("open\n");
        const { port: local, timeMs } = await opener.json<{ port: number; timeMs: number }>();
        opened.set(local, timeMs);
        await new Promise((resolve) => setTimeout(resolve, 257));
      }
    })();
    const seeing = running.until((one) => {
      const now = Date.now();
      for (const { from, to } of toPort(one, port)) {
        const timeMs = opened.get(from.port);
        if (timeMs === undefined || from.pid !== opener.pid || to.pid !== server.pid) continue;
        opened.delete(from.port);
        delays.push(now - timeMs);
      }
      return delays.length === SAMPLES;
    }, 20_000);
    await Promise.all([opening, seeing]);
    await running.stop();

    delays.sort((a, b) => a - b);
    const [median, worst] = [delays[SAMPLES >> 1]!, delays.at(-1)!];
    console.log(
      `T8: connect() to the report with both processes, interval ${INTERVAL_MS} ms: median ${median} ms, worst ${worst} ms`,
    );
    // The target, an interval and 250 ms, is what bench/host measures; here the machine may be busy with other tests.
    expect(median).toBeLessThanOrEqual(2 * INTERVAL_MS);
  },
  40_000,
);

const ATTRIBUTED = [
  { scanIntervalMs: 1000, durationMs: 20, clients: 0 },
  { scanIntervalMs: 20, durationMs: 20, clients: 0 },
  { scanIntervalMs: 100, durationMs: 300, clients: 150 },
  // Nothing is scanned meanwhile: each connection that begins is looked at by itself. For the figures: CONNTRAIL_BEGUN_MS=200 on a machine that is idle.
  {
    scanIntervalMs: 30_000,
    durationMs: Number(process.env.CONNTRAIL_BEGUN_MS ?? 2_000),
    clients: 240,
    trace: "untraced",
  },
] as const;

for (const { scanIntervalMs, durationMs, clients, ...rest } of ATTRIBUTED) {
  const trace = "trace" in rest ? rest.trace : "traced";
  kernelTest(
    `F29 of connections of ${durationMs} ms most servers are known, and clients as far as a scan saw them (every ${scanIntervalMs} ms, ${trace})`,
    async () => {
      await using lab = await loopbackLab();
      const server = await lab.host.start("tcp-server");
      const port = server.ready.port!;
      const embedded = lab.host.spawn(process.execPath, [ATTRIBUTION, String(scanIntervalMs), String(port), trace]);
      await embedded.line((line) => line === "ready", 15_000);
      const client = await lab.host.start("tcp-client", {
        port,
        connections: 300,
        "duration-ms": durationMs,
        rate: 100,
      });
      await client.json(15_000);
      embedded.write("end\n");
      const told = await embedded.json<{
        closed: number;
        from: (number | null)[];
        to: (number | null)[];
        cpuMs: number;
        ms: number;
      }>();

      const known = told.from.filter((pid) => pid === client.pid).length;
      const both = told.from.filter((pid, i) => pid === client.pid && told.to[i] === server.pid).length;
      const served = told.to.filter((pid) => pid === server.pid).length;
      const share = (count: number): string => `${Math.round((100 * count) / told.closed)} %`;
      const cpu = `${Math.round((100 * told.cpuMs) / told.ms)} % of a core`;
      console.log(
        `F29: ${durationMs} ms, scans every ${scanIntervalMs} ms: server known ${share(served)}, client ${share(known)}, both ${share(both)}; ${cpu}`,
      );
      expect(told.closed).toBe(300);
      expect(served).toBeGreaterThan(270);
      // On an idle machine all of the clients of 300 ms are known; with scans at intervals alone it would be three in ten.
      expect(known).toBeGreaterThanOrEqual(clients);
      for (const pid of told.from) expect([client.pid, null]).toContain(pid);
      for (const pid of told.to) expect([server.pid, null]).toContain(pid);
    },
  );
}

const ATTRIBUTION = fileURLToPath(new URL("./programs/attribution.mjs", import.meta.url));

/** For every line that comes in, opens a connection to the port given and tells its local port and when connect() was called. */
const OPEN_ON_LINE = `
  const { connect } = require("node:net");
  require("node:readline").createInterface({ input: process.stdin }).on("line", () => {
    const timeMs = Date.now();
    const socket = connect(Number(process.argv[1]), "127.0.0.1", () => {
      console.log(JSON.stringify({ port: socket.localPort, timeMs }));
    });
  }).on("close", () => process.exit(0));`;
