/** A reporter that is started and closed again and again leaves its host as it was. CONNTRAIL_CYCLES=200 does it as often. */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { createLab, kernelTest } from "../lab/index.ts";

const PROGRAM = fileURLToPath(new URL("./programs/cycles.mjs", import.meta.url));
const CYCLES = Number(process.env.CONNTRAIL_CYCLES ?? 2);

/** A cycle on a machine that is busy with other things. */
const CYCLE_MS = 5_000;

interface Held {
  readonly descriptors: number;
  readonly threads: number;
  readonly heapMb: number;
  readonly residentMb: number;
}

kernelTest(
  "descriptors and threads are after many cycles what they were after a few, and the heap does not grow with them",
  async () => {
    await using lab = await createLab("host");
    const program = lab.ns("host").spawn(process.execPath, ["--expose-gc", PROGRAM, String(CYCLES)]);
    const { before, after } = await program.json<{ before: Held; after: Held }>(60_000 + CYCLES * CYCLE_MS);
    expect({ descriptors: after.descriptors, threads: after.threads }).toEqual({
      descriptors: before.descriptors,
      threads: before.threads,
    });
    expect(after.heapMb).toBeLessThan(before.heapMb + 2 + CYCLES * 0.02);
    // Of 200 cycles; what the allocator keeps of the first threads is no growth.
    expect(after.residentMb).toBeLessThan(before.residentMb + 40);
  },
  120_000 + CYCLES * CYCLE_MS,
);
