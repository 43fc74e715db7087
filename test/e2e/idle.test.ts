/** T9: what is still costs nothing: how often the threads of `conntrail watch` are woken in a namespace where nothing happens. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { startConntrail } from "../lab/conntrail.ts";
import { createLab, kernelTest } from "../lab/index.ts";
import { TRACK } from "../lab/topology.ts";

const REPORTS = 6;

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
  kernelTest("T9 wakes the program a few times a second", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    await host.nft(TRACK);
    // The trace hears what all programs of the machine do, so it is left out here; bench/host has the whole.
    const only = ["--namespaces", "own", "--no-names", "--no-trace"];
    const watch = startConntrail(host, ["watch", "--format", "ndjson", "--interval", "1s", ...only]);
    for (let report = 0; report < REPORTS; report++) await watch.line(() => true, 30_000);
    const before = sleeps(watch.pid);
    const began = performance.now();
    for (let report = 0; report < REPORTS; report++) await watch.line(() => true, 30_000);
    const perSecond = (sleeps(watch.pid) - before) / ((performance.now() - began) / 1000);
    expect(perSecond).toBeLessThan(30);
  });
});
