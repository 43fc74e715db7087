/** The rings' descriptors: whoever waits for them is woken when a ring fills, and not for each of its records. */
import { spawnSync } from "node:child_process";
import { ReadableWait } from "@conntrail/netlink/socket";
import { openTracer } from "@conntrail/trace";
import { expect } from "vitest";
import { kernelTest } from "../lab/index.ts";

/** Processes that begin and end, on whatever processor, some 400 bytes in its ring each. */
const FORKS = "for (1..200) { my $pid = fork; exit 0 unless $pid; waitpid $pid, 0 }";
const ROUNDS = 50;

const PERL = "perl";
const UNSHARE = "unshare";

const perl = { requires: [PERL] };

kernelTest(
  "T9 a ring's descriptor is readable when an eighth of it was written, and says so once",
  () => {
    const tracer = openTracer({ ringBytes: 1 << 18 });
    const wait = ReadableWait.open()!;
    try {
      let rounds = 0;
      const before = tracer.drain().health.events;
      // What was told before the last reading says nothing of what is there.
      wait.wait(tracer.fds, 0);
      while (wait.wait(tracer.fds, 0).length === 0) {
        expect(rounds++).toBeLessThan(ROUNDS);
        spawnSync(PERL, ["-e", FORKS]);
      }
      // Not for the first records, which are 200 processes' at the least.
      expect(rounds).toBeGreaterThan(0);
      const { events, lost } = tracer.drain().health;
      expect(events - before).toBeGreaterThan((1 << 15) / 250);
      expect(lost).toBe(0);
      expect(tracer.fds).toHaveLength(tracer.health.cpus);
    } finally {
      tracer.close();
    }
    expect(tracer.fds).toEqual([]);
  },
  perl,
);

kernelTest(
  "the tracer tells in which namespaces processes were born, once what was before is known",
  () => {
    const tracer = openTracer();
    try {
      tracer.drain();
      expect(tracer.takeEntered()).toBeUndefined();
      spawnSync(UNSHARE, ["-n", "true"]);
      tracer.drain();
      // Ours, in which it was forked, and the new one.
      expect(tracer.takeEntered()!.size).toBeGreaterThan(1);
    } finally {
      tracer.close();
    }
  },
  perl,
);
