/** Ends as a real host has them: sockets on a device, addresses that are local by route, namespaces with names (F47, F53). */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { mustRun, runCommand } from "../lab/command.ts";
import { createLab, kernelTest, type Lab, Program, TRACK } from "../lab/index.ts";
import { NETWORK, report, toPort, watch } from "./reports.ts";

/** Keeps a namespace by a thread, a descriptor or sockets alone, with a connection inside. */
const KEEPER = fileURLToPath(new URL("../scan/programs/odd-holder.mjs", import.meta.url));

const ALL = ["--namespaces", "all"] as const;

kernelTest(
  "F47 a link-local connection has its devices and the name of its namespace, with and without conntrack",
  async () => {
    await using lab = await createLab("left", "right");
    await lab.link({ role: "left", device: "to-right" }, { role: "right", device: "to-left" });
    const [left, right] = [lab.ns("left"), lab.ns("right")];
    for (const [role, device, address] of [
      ["left", "to-right", "fe80::1/64"],
      ["right", "to-left", "fe80::2/64"],
    ] as const) {
      await lab.ns(role).exec("ip", ["addr", "flush", "dev", device]);
      await lab.addAddress(role, device, address);
      await lab.ns(role).nft(TRACK);
    }
    const server = await left.start("tcp-server", { host: "fe80::1%to-right" });
    const port = server.ready.port!;
    const client = await right.start("tcp-client", { host: "fe80::1%to-left", port, hold: true });

    for (const more of [[], ["--no-conntrack"]]) {
      const found = toPort(await report(left, [...ALL, ...more]), port).filter(
        ({ from }) => from.pid === client.pid || from.address === "fe80::2",
      );
      expect(found.map(sides)).toEqual([[client.pid, "to-left", server.pid, "to-right"]]);
      expect(found[0]).toMatchObject({ netns: right.inode, netnsName: right.name });
    }
  },
);

kernelTest("F53 an address that is local by route is this host's, long and short", async () => {
  await using lab = await routedLab();
  const [client, host] = [lab.ns("client"), lab.ns("host")];
  await host.exec("ip", ["route", "add", "local", "203.0.113.0/24", "dev", "lo"]);
  const server = await host.start("tcp-server", { host: "0.0.0.0" });
  const target = { host: "203.0.113.9", port: server.ready.port! };
  await client.start("tcp-client", { ...target, hold: true });
  await using running = await watch(host, ["--namespaces", "own", "--no-names"]);
  const short = await client.start("tcp-client", { ...target, "duration-ms": 3, connections: 3 });
  const { ports } = await short.json<{ ports: number[] }>();
  await running.until((each) => toPort(each, target.port).some(({ state }) => state === "closed"));
  // Which addresses are local by route is known with the first scan.
  const reports = (await running.stop()).filter(({ health }) => health.sockets.reason !== "starting");

  const seen = toPort(reports, target.port);
  expect(
    seen
      .filter(({ state }) => state === "closed")
      .map(({ from }) => from.port)
      .sort(),
  ).toEqual([...ports].sort());
  for (const { to, flags = [] } of seen) {
    expect(to).toMatchObject({ address: "203.0.113.9", local: true, pid: server.pid });
    expect(flags).not.toContain("transit");
  }
});

async function routedLab(): Promise<Lab> {
  const lab = await createLab("client", "host");
  const near = `10.${NETWORK}.53`;
  await lab.link(
    { role: "client", device: "eth0", address: `${near}.2/24` },
    { role: "host", device: "eth0", address: `${near}.1/24` },
  );
  await lab.addDefaultRoute("client", `${near}.1`);
  for (const { role } of lab.namespaces) await lab.ns(role).nft(TRACK);
  return lab;
}

function sides({ from, to }: ConnectionJson): unknown[] {
  return [from.pid, from.device, to.pid, to.device];
}

for (const how of ["thread", "descriptor", "socket"] as const) {
  kernelTest(`F52 the flows of a namespace that only a ${how} keeps are followed, and let go with it`, async () => {
    await using lab = await createLab("watcher");
    const name = `ct-flows-${how}-${process.pid}`;
    await mustRun("ip", ["netns", "add", name]);
    await mustRun("ip", ["-n", name, "link", "set", "lo", "up"]);
    await mustRun("ip", ["netns", "exec", name, "nft", "-f", "-"], { input: TRACK });
    const { ino } = statSync(`/run/netns/${name}`);
    await using holder = new Program(process.execPath, [
      KEEPER,
      "--how",
      how,
      "--path",
      `/run/netns/${name}`,
      "--port",
      "7003",
    ]);
    try {
      await holder.json();
    } finally {
      await runCommand("ip", ["netns", "del", name]);
    }
    await using running = await watch(lab.ns("watcher"), ["--namespaces", "all", "--no-names"]);
    const mine = ({ connections }: ReportJson): ConnectionJson[] => connections.filter(({ netns }) => netns === ino);
    const found = await running.until((each) => {
      const rows = mine(each);
      return rows.length === 1 && rows[0]!.sources.length === 2 && rows;
    }, 30_000);
    expect(found[0]).toMatchObject({
      state: "established",
      from: { pid: holder.pid },
      to: { pid: holder.pid, port: 7003 },
    });
    await holder[Symbol.asyncDispose]();
    await running.until((each) => mine(each).every(({ state }) => state === "closed"), 30_000);
    await running.stop();
  });
}
