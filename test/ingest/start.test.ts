/** The start on a real kernel: nothing is missed between subscribing and dumping, and however much there is, nobody is kept waiting. */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { Follower, generator, kernelFlows } from "./follower.ts";

kernelTest(
  "S8 F5 20,000 flows a second come and go while the ingest starts: at the end it has what the kernel has, ten times",
  async () => {
    for (let run = 0; run < 10; run++) {
      await using lab = await loopbackLab();
      const source = await generator(lab.host, { keep: 3_000, flows: 2_000, rate: 60_000, seconds: 1.2, leave: true });
      const follower = await Follower.start(lab.host);
      const generated = await source.done();
      expect(generated.created).toBeGreaterThan(8_000);
      await follower.until(({ live, health }) => live === 5_000 && health.completeSinceMs !== null, 3_000);
      expect(await follower.flows()).toEqual(await kernelFlows(lab.host, "-p", "tcp"));
      expect((await follower.state()).health).toMatchObject({ lost: 0, overruns: 0, undecodable: 0, resyncs: 0 });
    }
  },
  90_000,
);

kernelTest(
  "F6 T6 a table of 262,144 flows at the start is streamed: the first batches come at once and the host thread is never kept waiting",
  async () => {
    await using lab = await loopbackLab();
    await (await generator(lab.host, { keep: 200_000, flows: 1 })).done();
    const dumpedMs = await timeOf(() => lab.host.exec("sh", ["-c", "conntrack -L >/dev/null"]));
    const follower = await Follower.start(lab.host);
    const { completeAfterMs, longestWaitMs, health } = await follower.until(({ live }) => live === 200_000, 20_000);
    expect(health.flows).toBe(200_000);
    // Bounds that hold on a machine that has other things to do; the bench measures.
    expect(completeAfterMs).toBeLessThan(5_000 + 3 * dumpedMs);
    expect(longestWaitMs).toBeLessThan(1_000);
  },
  60_000,
);

kernelTest(
  "F3 1,000 flows from before anybody listened, which have no events, are gone within the reconcile period after they were deleted",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.sysctl("net.netfilter.nf_conntrack_events", 2);
    await (await generator(lab.host, { keep: 1_000, flows: 1 })).done();
    const follower = await Follower.start(lab.host, { reconcileMs: 1_000 });
    await follower.until(({ live }) => live === 1_000);
    await lab.host.tryExec("conntrack", ["-F"]);
    const { health, ended } = await follower.until(({ live }) => live === 0, 2_500);
    expect(health.events.destroy).toBe(0);
    expect(ended.swept).toBe(1_000);
    expect(health.reconciliations).toBeGreaterThan(0);
    expect(health.completeSinceMs).not.toBeNull();
  },
);

kernelTest("S3 stopping hands out what was received, closes the socket and takes no longer than a round", async () => {
  await using lab = await loopbackLab();
  const follower = await Follower.start(lab.host);
  await follower.ready();
  expect(await netlinkSockets(lab)).toBe(1);
  expect(await follower.stop()).toBeLessThan(1_000);
  await follower.program.exited;
  expect(await netlinkSockets(lab)).toBe(0);
});

kernelTest(
  "F15 one subscription feeds everything: the namespace has exactly one socket in conntrack's groups",
  async () => {
    await using lab = await loopbackLab();
    const follower = await Follower.start(lab.host);
    await follower.ready();
    expect(await netlinkSockets(lab)).toBe(1);
  },
);

/** Sockets of NETLINK_NETFILTER that are in a group. */
async function netlinkSockets(lab: Awaited<ReturnType<typeof loopbackLab>>): Promise<number> {
  const table = await lab.host.exec("cat", ["/proc/net/netlink"]);
  return table.split("\n").filter((line) => /^\S+ +12 +\d+ +0*[1-9a-f]/.test(line)).length;
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
