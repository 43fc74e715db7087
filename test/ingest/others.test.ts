/** What the ingest does for others that its thread can do in passing: it sleeps on their descriptors, and looks for namespaces when they tell it to. */
import { rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "vitest";
import { createLab, kernelTest, TRACK } from "../lab/index.ts";
import { Follower, generator } from "./follower.ts";

kernelTest(
  "T9 somebody's descriptor is told as readable, once, while nothing happens and while events come",
  async () => {
    await using lab = await createLab("home");
    const home = lab.ns("home");
    await home.nft(TRACK);
    const { program, ...follower } = await start(home);
    await follower.ready();
    for (const events of [false, true]) {
      program.write("fifo\n");
      const { path } = await program.json<{ path: string }>();
      const busy = events ? await generator(home, { rate: 2_000, flows: 2_000, seconds: 1 }) : undefined;
      writeFileSync(path, "x");
      expect(await program.json(30_000)).toEqual({ readable: true });
      // It was not read, so it is readable still; but nobody asked again.
      expect(await follower.state()).toHaveProperty("health");
      await busy?.done();
      rmSync(dirname(path), { recursive: true });
    }
  },
);

/** Without being told, the ingest would look so long after its last search. */
const STILL_SEARCH_MS = 5_000;
const ATTEMPTS = 6;

const FLOW = "-I -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80 --state ESTABLISHED -t 100".split(" ");

kernelTest("F24 a namespace that a process was seen to enter is watched at once", async () => {
  await using lab = await createLab("home");
  const home = lab.ns("home");
  const { program, ...follower } = await start(home, { namespaces: "all" });
  await follower.ready();
  // Each is found by a search, so the next one by the clock is five seconds away. On a busy machine an attempt may take longer than that, and says nothing.
  let foundMs = Number.NEGATIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const late = await lab.addNamespace(`late${attempt}`);
    await late.exec("conntrack", FLOW);
    program.write(`entered ${home.inode} ${late.inode}\n`);
    while ((await follower.byNamespace()).live[late.inode] !== 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const tookMs = performance.now() - foundMs;
    foundMs = performance.now();
    if (tookMs < STILL_SEARCH_MS - 500) return;
  }
  expect.unreachable("namespaces were found by the clock alone");
});

async function start(namespace: Parameters<typeof Follower.start>[0], options = {}) {
  const follower = await Follower.start(namespace, options);
  return {
    program: follower.program,
    ready: () => follower.ready(),
    state: () => follower.state(),
    byNamespace: () => follower.byNamespace(),
  };
}
