/** What can be missing, each told apart in health, with what would help. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ingest } from "@conntrail/ingest";
import type { IngestHealth } from "@conntrail/model";
import { firstValueFrom } from "rxjs";
import { expect, test } from "vitest";
import { kernelTest, loopbackLab, plainLab, TRACK } from "../lab/index.ts";
import { Follower } from "./follower.ts";

const judged = (health: IngestHealth) => ({ state: health.state, reason: health.reason });

kernelTest(
  "F39 no ct rule: said as soon as there is a connection that is not tracked, and no longer when a rule came",
  async () => {
    await using lab = await plainLab();
    const { ready } = await lab.host.start("tcp-server");
    const follower = await Follower.start(lab.host);
    const quiet = await follower.ready();
    expect(judged(quiet.health)).toEqual({ state: "ok", reason: null });
    expect(quiet.health.advice).toContain("whether one would be is not known: conntrail doctor tries it");
    const client = { host: "127.0.0.1", port: ready.port!, connections: 2, hold: true };
    await lab.host.start("tcp-client", client);
    const { health } = await follower.until((state) => state.health.reason === "no-rule");
    expect(health.state).toBe("off");
    expect(health.advice).toContain("nft");
    await lab.host.nft(TRACK);
    await lab.host.start("tcp-client", client);
    const tracked = await follower.until((state) => state.health.reason === null && state.health.flows > 0);
    expect(tracked.health.advice).toBeNull();
  },
);

kernelTest("F39 events switched off: said so, and flows are found by dumps all the same", async () => {
  await using lab = await loopbackLab();
  await lab.host.sysctl("net.netfilter.nf_conntrack_events", 0);
  const { ready } = await lab.host.start("tcp-server");
  const follower = await Follower.start(lab.host);
  await follower.until(({ health }) => health.reason === "events-disabled");
  const client = await lab.host.start("tcp-client", {
    host: "127.0.0.1",
    port: ready.port!,
    connections: 4,
    hold: true,
  });
  const { health } = await follower.until(({ live }) => live === 4, 5_000);
  expect(health.events).toEqual({ new: 0, update: 0, destroy: 0 });
  expect(health.advice).toContain("nf_conntrack_events");
  await client.stop();
  await follower.until(({ closed }) => closed === 4, 5_000);
});

kernelTest("F39 without CAP_NET_ADMIN: off, with what would turn it on", async () => {
  await using lab = await loopbackLab();
  const follower = new Follower(
    lab.host.spawn("setpriv", [
      "--bounding-set=-net_admin",
      "--inh-caps=-net_admin",
      process.execPath,
      new URL("./programs/follow.mjs", import.meta.url).pathname,
    ]),
  );
  await follower.program.json();
  const { health } = await follower.until(() => true);
  expect(judged(health)).toEqual({ state: "off", reason: "not-permitted" });
  expect(health.advice).toContain("CAP_NET_ADMIN");
  expect(health.completeSinceMs).toBeNull();
  await follower.until(({ batches }) => batches > 2);
});

kernelTest(
  "F2 F39 a full kernel table is told: the kernel drops connections, and says so in its counters only",
  async () => {
    await using lab = await loopbackLab();
    const proc = scriptedProc();
    try {
      proc.conntrackStat(0);
      const follower = await Follower.start(lab.host, { procRoot: proc.root });
      expect(judged((await follower.ready()).health)).toEqual({ state: "ok", reason: null });
      proc.conntrackStat(17);
      const { health } = await follower.until((state) => state.health.reason === "table-full", 20_000);
      expect(health.advice).toContain("nf_conntrack_max");
    } finally {
      proc.remove();
    }
  },
);

test("an unknown protocol is refused before anything is started", () => {
  expect(() => ingest({ protocols: ["tpc"] })).toThrow(new RangeError("unknown protocol: tpc"));
  expect(() => ingest({ flushMs: 0 })).toThrow("flushMs must be greater than 0, not 0");
});

kernelTest("without root's namespaces the own one is watched, from this process", async () => {
  const batch = await firstValueFrom(ingest({ namespaces: "own" }), { defaultValue: undefined });
  expect(batch).toMatchObject({ kind: "flows", epoch: 1 });
  expect(batch?.health.receiveBufferBytes).toBeGreaterThan(0);
});

/** A /proc with only what the ingest reads of it. */
function scriptedProc(): { root: string; conntrackStat: (drop: number) => void; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), "conntrail-proc-"));
  for (const folder of ["thread-self/ns", "thread-self/net/stat", "sys/net/netfilter"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, "thread-self/ns/net"), "");
  writeFileSync(join(root, "sys/net/netfilter/nf_conntrack_events"), "2\n");
  writeFileSync(join(root, "sys/net/netfilter/nf_conntrack_count"), "1\n");
  writeFileSync(join(root, "sys/net/netfilter/nf_conntrack_max"), "262144\n");
  return {
    root,
    conntrackStat: (drop) => {
      const counters = `00000001  00000000 ${drop.toString(16).padStart(8, "0")} 00000000`;
      writeFileSync(join(root, "thread-self/net/stat/nf_conntrack"), `entries  invalid drop early_drop\n${counters}\n`);
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}
