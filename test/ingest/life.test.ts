/** The lives of real connections, and of those that only `conntrack -I` can make. */
import { CT_TCP_STATE, FLOW_FLAG } from "@conntrail/model";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { type EndedFlow, Follower } from "./follower.ts";

kernelTest(
  "T8 a batch of few flows is followed by the next sooner than after flushMs while somebody waits for each change",
  async () => {
    await using lab = await loopbackLab();
    const { ready } = await lab.host.start("tcp-server");
    const follower = await Follower.start(lab.host, { flushMs: 100 });
    await follower.ready();
    follower.program.write("hurry\n");
    const to = { host: "127.0.0.1", port: ready.port!, "duration-ms": 1 };
    const client = await lab.host.start("tcp-client", { ...to, rate: 50, connections: 60 });
    await client.exited;
    expect((await follower.until(({ closed }) => closed === 60)).shortestRestMs).toBeLessThan(80);
  },
);

kernelTest(
  "S6 each of 500 short connections is told as closed once, and their entries in TIME_WAIT not again when they go",
  async () => {
    await using lab = await loopbackLab();
    const { ready } = await lab.host.start("tcp-server");
    const follower = await Follower.start(lab.host);
    await follower.ready();
    const client = await lab.host.start("tcp-client", {
      host: "127.0.0.1",
      port: ready.port!,
      connections: 500,
      parallel: 50,
    });
    await client.exited;
    const { closed, health } = await follower.until((state) => state.closed === 500);
    expect(health.flows).toBe(500);
    await lab.host.tryExec("conntrack", ["-F"]);
    await follower.until((state) => state.health.flows === 0);
    expect((await follower.state()).closed).toBe(closed);
    expect(new Set((await follower.ended()).map(({ flow }) => flow)).size).toBe(500);
  },
);

kernelTest("S6 connections that had closed before the start are not told, those that were open are", async () => {
  await using lab = await loopbackLab();
  const { ready } = await lab.host.start("tcp-server");
  const gone = await lab.host.start("tcp-client", { host: "127.0.0.1", port: ready.port!, connections: 20 });
  await gone.exited;
  const open = await lab.host.start("tcp-client", { host: "127.0.0.1", port: ready.port!, connections: 5, hold: true });
  // Made while nobody listened, they may have no events at all (nf_conntrack_events = 2): then a dump finds their end.
  const follower = await Follower.start(lab.host, { reconcileMs: 500 });
  await follower.until(({ live }) => live === 5);
  expect((await follower.state()).closed).toBe(0);
  await open.stop();
  await follower.until(({ live }) => live === 0);
  expect((await follower.state()).closed).toBe(5);
});

kernelTest("S7 refused and unanswered attempts are told as such", async () => {
  await using lab = await loopbackLab();
  const follower = await Follower.start(lab.host);
  await follower.ready();
  await lab.host.start("port-scan", { host: "127.0.0.1", count: 10, from: 20_000 });
  await follower.until(({ closed }) => closed === 10);
  for (const { state, flags } of await follower.ended()) {
    expect(state).toBe(CT_TCP_STATE.close);
    expect(flags & FLOW_FLAG.established).toBe(0);
  }
  await lab.host.exec("conntrack", insert("SYN_SENT", 7));
  await follower.until(({ live }) => live === 1);
  await lab.host.tryExec("conntrack", ["-D", "-p", "tcp", "--sport", "7"]);
  await follower.until(({ live }) => live === 0);
  const [unanswered] = (await follower.ended()).slice(-1);
  expect(unanswered).toMatchObject({ change: "destroyed", state: CT_TCP_STATE.synSent });
  expect(unanswered!.flags & (FLOW_FLAG.replied | FLOW_FLAG.established | FLOW_FLAG.updated)).toBe(0);
});

kernelTest("a connection closed by RST is told when it is reset, not when the kernel forgets it", async () => {
  await using lab = await loopbackLab();
  const { ready } = await lab.host.start("rst-closer", { afterMs: 50 });
  const follower = await Follower.start(lab.host);
  await follower.ready();
  await lab.host.start("tcp-client", { host: "127.0.0.1", port: ready.port!, connections: 3, hold: true });
  await follower.until(({ closed }) => closed === 3, 3_000);
  const ended = await follower.ended();
  expect(ended.map(({ change, state }) => ({ change, state }))).toEqual(
    Array(3).fill({ change: "upsert", state: CT_TCP_STATE.close }),
  );
  expect(ended.every(({ flags }) => (flags & FLOW_FLAG.established) !== 0)).toBe(true);
});

kernelTest("a flow that conntrack met in mid-stream is marked, by its event and by its row in a dump", async () => {
  await using lab = await loopbackLab();
  const { ready } = await lab.host.start("tcp-server");
  const talk = `const s = require("net").connect(${ready.port}, "127.0.0.1"); setInterval(() => s.write("."), 50)`;
  const client = lab.host.spawn(process.execPath, ["-e", talk]);
  const early = await Follower.start(lab.host);
  await early.until(({ live }) => live === 1);
  await lab.host.tryExec("conntrack", ["-F"]);
  // A packet may make the entry anew while the flush is still going on, which then takes that one as well.
  await early.until(({ closed, live }) => closed >= 1 && live === 1);
  const late = await Follower.start(lab.host);
  await late.until(({ live }) => live === 1);
  await client.stop();
  for (const follower of [early, late]) {
    await follower.until(({ live }) => live === 0);
    expect(lastOf(await follower.ended()).flags & FLOW_FLAG.pickedUp).toBe(FLOW_FLAG.pickedUp);
  }
});

kernelTest(
  "F40 flows that are created and destroyed without an update, as Open vSwitch makes them, and IPv6 ones are told all the same",
  async () => {
    await using lab = await loopbackLab();
    const follower = await Follower.start(lab.host);
    await follower.ready();
    const six = [
      "-I",
      "-p",
      "tcp",
      "-s",
      "fd00::1",
      "-d",
      "fd00::2",
      "--sport",
      "9",
      "--dport",
      "80",
      "--state",
      "ESTABLISHED",
      "-t",
      "60",
    ];
    await lab.host.exec("conntrack", [...six, "-u", "SEEN_REPLY,ASSURED"]);
    await lab.host.exec("conntrack", [...insert("ESTABLISHED", 9), "-u", "SEEN_REPLY,ASSURED"]);
    await follower.until(({ live }) => live === 2);
    await lab.host.tryExec("conntrack", ["-F"]);
    await follower.until(({ live }) => live === 0);
    const ended = await follower.ended();
    expect(ended.map(({ flow, change }) => `${change} ${flow}`).sort()).toEqual([
      "destroyed 6 10.0.0.1:9 10.0.0.2:80",
      "destroyed 6 fd00::1:9 fd00::2:80",
    ]);
    for (const { flags } of ended) {
      expect(flags & (FLOW_FLAG.replied | FLOW_FLAG.established)).toBe(FLOW_FLAG.replied | FLOW_FLAG.established);
      // Put there whole, and not seen from its beginning.
      expect(flags & (FLOW_FLAG.updated | FLOW_FLAG.beganUnseen)).toBe(FLOW_FLAG.updated | FLOW_FLAG.beganUnseen);
    }
  },
);

function insert(state: string, port: number): string[] {
  const ends = ["-s", "10.0.0.1", "-d", "10.0.0.2", "--sport", String(port), "--dport", "80"];
  return ["-I", "-p", "tcp", ...ends, "--state", state, "-t", "60"];
}

function lastOf(flows: readonly EndedFlow[]): EndedFlow {
  return flows.at(-1)!;
}
