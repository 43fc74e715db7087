/** What the kernel says a TCP connection did (TCP_INFO), on live connections and on those that just ended. */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, report, toPort, watch } from "./reports.ts";

const BYTES = 300_000;

/** Every fifth packet to a port is dropped. */
const lossy = (port: number): string =>
  `table inet lossy { chain leave { type filter hook input priority 0; tcp dport ${port} ct state established numgen inc mod 5 0 drop; }; }`;

kernelTest(
  "N4 bytes each way, round-trip time and retransmits of a live connection, in numbers with units",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    const port = server.ready.port!;
    await lab.host.nft(lossy(port));
    await lab.host.start("tcp-client", { port, hold: true, bytes: BYTES });
    const tcp = await all(async () => toPort(await report(lab.host), port)[0]?.tcp);
    // The kernel counts the SYN as one byte.
    expect(tcp.originalBytes! - BYTES).toBeLessThanOrEqual(1);
    expect(tcp.rttMicros).toBeGreaterThan(0);
    expect(tcp.rttMicros).toBeLessThan(10_000_000);
    expect(tcp.retransmits).toBeGreaterThan(0);
    expect(tcp.end).toBe("from");
    expect(Date.parse(tcp.measuredAt!)).toBeGreaterThan(Date.now() - 60_000);

    /** Asks until all has been echoed: lost packets take their time. */
    async function all<T extends { readonly replyBytes: number | null }>(
      ask: () => Promise<T | undefined>,
    ): Promise<T> {
      for (let i = 0; i < 50; i++) {
        const told = await ask();
        if ((told?.replyBytes ?? 0) >= BYTES) return told!;
      }
      throw new Error("never echoed");
    }
  },
);

kernelTest("N4 a connection that has ended is told with what was seen of it last", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  const port = server.ready.port!;
  await using running = await watch(lab.host, [...OWN, "--no-names"]);
  const client = await lab.host.start("tcp-client", { port, hold: true, bytes: BYTES });
  await running.until((one) => toPort(one, port).some(({ tcp }) => (tcp?.replyBytes ?? 0) >= BYTES));
  await client.stop();
  await running.until((one) => toPort(one, port).some(({ state }) => state === "closed"));
  const reports = await running.stop();
  const closed = toPort(reports, port).filter(({ state }) => state === "closed");
  expect(closed.length).toBe(1);
  expect(closed[0]!.tcp!.replyBytes).toBeGreaterThanOrEqual(BYTES);
  expect(Date.parse(closed[0]!.tcp!.measuredAt!)).toBeLessThanOrEqual(Date.parse(closed[0]!.lastSeen!) + 1_000);
});
