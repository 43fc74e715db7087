/** Lost events on a real kernel: the buffer is made too small, and the generator runs at full speed. */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { Follower, generator, kernelFlows } from "./follower.ts";

const SECONDS = 10;

kernelTest(
  "F1 F3 F5 F11 a 32 KiB buffer at full speed: it lives, loss is counted, and the table equals the kernel's within 2 s, three times in a row",
  async () => {
    await using lab = await loopbackLab();
    const follower = await Follower.start(lab.host, { receiveBuffer: 32_768, receiveBufferMax: 32_768 });
    await follower.ready();
    let lostBefore = 0;
    let eventsBefore = 0;
    for (let time = 0; time < 3; time++) {
      const source = await generator(lab.host, { flows: 5_000, seconds: SECONDS, leave: true });
      const generated = await source.done();
      const endMs = Date.now();
      const state = await follower.until(
        ({ live, health }) => live === 5_000 && health.completeSinceMs !== null,
        2_000,
      );
      const kernel = await kernelFlows(lab.host, "-p", "tcp");
      await expect.poll(() => follower.flows(), { timeout: endMs + 2_000 - Date.now() }).toEqual(kernel);
      const { health } = state;
      const seen = health.events.new + health.events.update + health.events.destroy;
      // What was seen and what was lost is what was made; deleted flows that the generator itself made first are among it.
      expect(health.lost! - lostBefore + seen - eventsBefore).toBe(generated.events);
      expect(health.lost).toBeGreaterThan(lostBefore);
      expect(health.overruns).toBeGreaterThan(time);
      expect(health.overruns).toBeLessThan(health.lost!);
      expect(health).toMatchObject({ state: "degraded", receiveBufferBytes: 32_768 });
      // Which of the two depends on what else the machine has to do.
      expect(["buffer-too-small", "reader-too-slow"]).toContain(health.reason);
      lostBefore = health.lost!;
      const removal = await lab.host.tryExec("conntrack", ["-F"]);
      expect(removal.code).toBe(0);
      const cleared = await follower.until(({ live }) => live === 0, 3_000);
      eventsBefore = cleared.health.events.new + cleared.health.events.update + cleared.health.events.destroy;
      lostBefore = cleared.health.lost!;
    }
  },
  120_000,
);

kernelTest(
  "F1 a buffer that is too small doubles until it is large enough, and events resume after every loss",
  async () => {
    await using lab = await loopbackLab();
    const follower = await Follower.start(lab.host, { receiveBuffer: 65_536 });
    await follower.ready();
    const source = await generator(lab.host, { flows: 5_000, seconds: 2, leave: true });
    await source.done();
    const { health } = await follower.until((state) => state.live === 5_000 && state.health.completeSinceMs !== null);
    expect(health.receiveBufferBytes).toBeGreaterThanOrEqual(2 * 65_536);
    expect(health.resyncs).toBeGreaterThan(0);
    const before = health.events.new;
    await (await generator(lab.host, { keep: 7_000, flows: 1, rate: 20_000 })).done();
    await follower.until((state) => state.health.events.new >= before + 2_001);
  },
);

kernelTest(
  "F4 a reader that was stopped is told apart from a buffer that is too small, and no live connection is declared closed",
  async () => {
    await using lab = await loopbackLab();
    const follower = await Follower.start(lab.host, { receiveBuffer: 1 << 20 });
    await (await generator(lab.host, { keep: 500, flows: 1 })).done();
    await follower.until(({ live, health }) => live === 500 && health.completeSinceMs !== null);
    const before = (await follower.state()).closed;
    follower.program.signal("SIGSTOP");
    const source = await generator(lab.host, { keep: 500, flows: 2_000, seconds: 1, leave: true });
    await source.done();
    follower.program.signal("SIGCONT");
    const { health, closed } = await follower.until(
      (state) => state.live === 2_500 && state.health.completeSinceMs !== null,
    );
    expect(health).toMatchObject({ state: "degraded", reason: "reader-too-slow", overruns: 1, resyncs: 1 });
    const kernel = await kernelFlows(lab.host, "-p", "tcp");
    await expect.poll(() => follower.flows()).toEqual(kernel);
    expect(closed).toBeGreaterThanOrEqual(before);
    const told = (await follower.ended()).map(({ flow }) => Number(/:(\d+) /.exec(flow)![1]));
    expect(told.filter((port) => port < 1_024 + 500)).toEqual([]);
  },
);
