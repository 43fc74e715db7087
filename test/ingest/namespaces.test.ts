/** All namespaces by one worker, as they come and go. Other tests have namespaces too: all counts are of one namespace. */
import { expect } from "vitest";
import { createLab, kernelTest, TRACK } from "../lab/index.ts";
import { type ByNamespace, Follower, generator, kernelFlows } from "./follower.ts";

kernelTest(
  "F37 the same tuples in two namespaces stay apart, and a namespace's flows are released when it goes",
  async () => {
    await using lab = await createLab("home", "one", "two");
    const home = lab.ns("home");
    const one = lab.ns("one");
    const two = lab.ns("two");
    for (const namespace of [home, one, two]) await namespace.nft(TRACK);
    await (await generator(one, { keep: 10, flows: 1 })).done();
    const follower = await Follower.start(home, { namespaces: "all" });
    await until(follower, ({ live }) => live[one.inode] === 10);
    await (await generator(two, { keep: 10, flows: 1 })).done();
    await until(follower, ({ live }) => live[one.inode] === 10 && live[two.inode] === 10);
    expect(await kernelFlows(one, "-p", "tcp")).toEqual(await kernelFlows(two, "-p", "tcp"));
    const { inode } = two;
    await home.tryExec("ip", ["netns", "del", two.name]);
    const after = await until(follower, ({ ended }) => ended[inode]?.released === 10);
    expect(after.live).not.toHaveProperty(String(inode));
    expect(after.live[one.inode]).toBe(10);
  },
);

kernelTest("F24 short connections of a namespace that is found only after they ended are told", async () => {
  await using lab = await createLab("home");
  const home = lab.ns("home");
  await home.nft(TRACK);
  const follower = await Follower.start(home, { namespaces: "all" });
  await follower.ready();
  const late = await lab.addNamespace("late");
  await late.nft(TRACK);
  const { ready } = await late.start("tcp-server");
  await late.start("tcp-client", { host: "127.0.0.1", port: ready.port!, connections: 3 });
  const { ended } = await until(follower, (counts) => closed(counts, late.inode) >= 3);
  expect(closed({ ended, live: {} }, late.inode)).toBe(3);
});

/** Connections of a namespace that closed: found closed by a dump, seen to close, or destroyed. */
function closed({ ended }: ByNamespace, netns: number): number {
  return (ended[netns]?.upsert ?? 0) + (ended[netns]?.destroyed ?? 0);
}

async function until(follower: Follower, satisfied: (counts: ByNamespace) => boolean): Promise<ByNamespace> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const counts = await follower.byNamespace();
    if (satisfied(counts)) return counts;
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${JSON.stringify(counts)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
