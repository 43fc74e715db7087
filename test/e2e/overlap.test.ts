/** Two networks with the same addresses on one host (F37): what belongs together is told apart by its namespace. */
import { expect } from "vitest";
import { kernelTest, natLab } from "../lab/index.ts";
import { report } from "./reports.ts";

kernelTest("F37 two networks that use the same addresses are told apart, each connection once", async () => {
  await using first = await natLab({ track: "all" });
  await using second = await natLab({ track: "all" });
  const labs = [];
  for (const lab of [first, second]) {
    const server = await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const client = await lab.client.start("tcp-client", {
      host: lab.virtual.address,
      port: lab.virtual.port,
      hold: true,
      connections: 2,
    });
    labs.push({ lab, server, client });
  }

  const { connections } = await report(first.client, []);

  console.log(
    JSON.stringify(
      connections
        .filter((c) => [first, second].some((l) => l.namespaces.some((n) => n.inode === c.netns)))
        .map((c) => ({
          ns: [first, second].flatMap((l) => l.namespaces).findIndex((n) => n.inode === c.netns),
          f: `${c.from.address}:${c.from.port}`,
          fp: c.from.pid,
          fr: c.from.ownerReason,
          to: `${c.to.address}:${c.to.port}`,
          tp: c.to.pid,
          tr: c.to.ownerReason,
          s: c.sources.join("+"),
          n: c.nat?.kind,
          fl: c.flags,
        })),
      null,
      0,
    ).replaceAll("},", "},\n"),
  );
  for (const { lab, server, client } of labs) {
    const ours = connections.filter(({ netns }) => lab.namespaces.some(({ inode }) => inode === netns));
    expect(ours.map(({ from }) => from.port).sort()).toEqual([...client.ready.ports!].sort());
    for (const { from, to } of ours) expect([from.pid, to.pid]).toEqual([client.pid, server.pid]);
  }
});
