/** The first pass over the descriptors of all processes, by one thread and by several. */
import { fileURLToPath } from "node:url";
import { Scanner } from "@conntrail/scan";
import { expect } from "vitest";
import { createLab, kernelTest } from "../lab/index.ts";
import { socketLines } from "./rows.ts";

const HOLDERS = 5;
const EACH = 15_000;
const DUPS = fileURLToPath(new URL("programs/dups.pl", import.meta.url));

kernelTest(
  "the first pass over very many descriptors is spread over threads and finds the same owners; where there are few, one thread is enough",
  async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    const few = await new Scanner({ threads: 2 }).scan();
    const holders = await Promise.all(
      Array.from({ length: HOLDERS }, async () => {
        const holder = host.spawn("sh", ["-c", `ulimit -n ${EACH + 100} && exec perl ${DUPS} ${EACH}`]);
        const [port, pid] = (await holder.line(() => true, 60_000)).split(" ").map(Number);
        return { port, pid };
      }),
    );
    const owners = ({ table }: Awaited<ReturnType<Scanner["scan"]>>) =>
      socketLines(table)
        .flatMap(({ netns, socket, owner }) => (netns === host.inode ? [`${socket.split(" ")[2]} ${owner}`] : []))
        .sort();
    const alone = await new Scanner({ threads: 1 }).scan();
    const scanner = new Scanner({ threads: 2 });
    const spread = await scanner.scan();
    expect([few.threads, alone.threads, spread.threads]).toEqual([1, 1, 2]);
    expect(owners(spread)).toEqual(holders.map(({ port, pid }) => `127.0.0.1|${port} ${pid} perl`).sort());
    expect(owners(alone)).toEqual(owners(spread));
    // All is known now: a later pass has nothing to read but its share of what is read again.
    const later = await scanner.scan();
    expect(later.threads).toBe(1);
    expect(later.descriptors).toBeLessThan((HOLDERS * EACH) / 2);
    expect(owners(later)).toEqual(owners(spread));
  },
  { requires: ["perl"], timeout: 120_000 },
);
