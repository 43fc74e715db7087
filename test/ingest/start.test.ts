/** The start on a real kernel: nothing is missed between subscribing and dumping, and however much there is, nobody is kept waiting. */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { expect } from "vitest";
import { type HostLab, kernelTest, loopbackLab } from "../lab/index.ts";
import { Follower, generator, kernelFlows } from "./follower.ts";

kernelTest(
  "S8 F5 20,000 flows a second come and go while the ingest starts: at the end it has what the kernel has, ten times",
  async () => {
    const rates: number[] = [];
    for (let run = 0; run < 10; run++) {
      await using lab = await loopbackLab();
      const source = await generator(lab.host, { keep: 3_000, flows: 2_000, rate: 60_000, seconds: 1.2, leave: true });
      const follower = await Follower.start(lab.host);
      const generated = await source.done();
      // A busy machine makes fewer than asked for; beyond the first 2,000 each new one means that another has gone.
      expect(generated.created).toBeGreaterThan(2_500);
      rates.push(Math.round((generated.created - 3_000) / generated.seconds));
      await follower.until(({ live, health }) => live === 5_000 && health.completeSinceMs !== null, 20_000);
      // So many flows there were at the end of other rounds too: the follower may still have events to read.
      const kernel = await kernelFlows(lab.host, "-p", "tcp");
      await expect.poll(() => follower.flows(), { timeout: 5_000 }).toEqual(kernel);
      expect((await follower.state()).health).toMatchObject({ lost: 0, overruns: 0, undecodable: 0, resyncs: 0 });
    }
    console.log(`S8: flows made and unmade a second while the ingest starts: ${rates.join(", ")}`);
  },
  90_000,
);

kernelTest(
  "F6 T6 a table of 200,000 flows at the start is streamed: the first batches come at once and the host thread is never kept waiting",
  async () => {
    await using lab = await loopbackLab();
    await (await generator(lab.host, { keep: 200_000, flows: 1 })).done();
    const dumpedMs = await timeOf(() => lab.host.exec("sh", ["-c", "conntrack -L >/dev/null"]));
    const idle = await Follower.start(lab.host, { protocols: ["icmp"] }, true);
    const follower = await Follower.start(lab.host, {}, true);
    const { completeAfterMs, longestWaitMs, health } = await follower.until(({ live }) => live === 200_000, 40_000);
    expect(health.flows).toBe(200_000);
    // Measured against what the machine does to others at the same time: it may be busy. The bench has the figures.
    expect(completeAfterMs).toBeLessThan(5_000 + 3 * dumpedMs);
    expect(longestWaitMs).toBeLessThan(250 + 3 * (await idle.state()).longestWaitMs);
  },
  60_000,
);

kernelTest(
  "F3 1,000 flows from before anybody listened, which have no events, are gone within the reconcile period after they were deleted",
  async () => {
    await using lab = await loopbackLab();
    // Auto mode gives events to flows that begin while anybody listens, and other tests listen everywhere: off makes the same flows for sure.
    await lab.host.sysctl("net.netfilter.nf_conntrack_events", 0);
    await (await generator(lab.host, { keep: 1_000, flows: 1 })).done();
    await lab.host.sysctl("net.netfilter.nf_conntrack_events", 2);
    const follower = await Follower.start(lab.host, { reconcileMs: 1_000 });
    await follower.until(({ live }) => live === 1_000);
    await lab.host.tryExec("conntrack", ["-F"]);
    const { health, ended } = await follower.until(({ live }) => live === 0, 10_000);
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
  expect(await subscriptions(lab, follower)).toBe(1);
  expect(await follower.stop()).toBeLessThan(1_000);
  await follower.program.exited;
  expect(await subscriptions(lab, follower)).toBe(0);
});

kernelTest(
  "F15 one subscription feeds everything: the namespace has exactly one socket in conntrack's groups",
  async () => {
    await using lab = await loopbackLab();
    const follower = await Follower.start(lab.host);
    await follower.ready();
    expect(await subscriptions(lab, follower)).toBe(1);
  },
);

/** Sockets of NETLINK_NETFILTER that are in a group and belong to the follower: other tests may watch this namespace too. */
async function subscriptions(lab: HostLab, follower: Follower): Promise<number> {
  const table = await lab.host.exec("cat", ["/proc/net/netlink"]);
  const held = socketsOf(follower.program.pid);
  const inGroups = /^\S+ +12 +\d+ +0*[1-9a-f].* (\d+) *$/;
  return table.split("\n").filter((line) => held.has(inGroups.exec(line)?.[1])).length;
}

/** The inodes of a process's sockets; none when it has ended. */
function socketsOf(pid: number): ReadonlySet<string | undefined> {
  const folder = `/proc/${pid}/fd`;
  if (!existsSync(folder)) return new Set();
  return new Set(readdirSync(folder).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`${folder}/${fd}`))?.[1] ?? ""));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
