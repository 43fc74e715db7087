/** Lost events on a real kernel: the buffer is made too small, and the generator runs at full speed. */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { Follower, generator, kernelFlows } from "./follower.ts";

const SECONDS = 3;

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
      expect(Date.now() - endMs).toBeLessThan(2_000);
      expect(await follower.flows()).toEqual(await kernelFlows(lab.host, "-p", "tcp"));
      const { health } = state;
      const seen = health.events.new + health.events.update + health.events.destroy;
      // What was seen and what was lost is what was made; deleted flows that the generator itself made first are among it.
      expect(health.lost! - lostBefore + seen - eventsBefore).toBe(generated.events);
      expect(health.lost).toBeGreaterThan(lostBefore);
      expect(health.overruns).toBeGreaterThan(time);
      expect(health.overruns).toBeLessThan(health.lost!);
      expect(health).toMatchObject({ state: "degraded", reason: "buffer-too-small", receiveBufferBytes: 32_768 });
      lostBefore = health.lost!;
      const removal = await lab.host.tryExec("conntrack", ["-F"]);
      expect(removal.code).toBe(0);
      const cleared = await follower.until(({ live }) => live === 0, 3_000);
      eventsBefore = cleared.health.events.new + cleared.health.events.update + cleared.health.events.destroy;
      lostBefore = cleared.health.lost!;
    }
  },
  90_000,
);
