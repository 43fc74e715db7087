/** `conntrail why`, live: the facts of a translated connection from client, router and server, and the blanks of one whose other end is elsewhere. */
import type { Explanation } from "@conntrail/reporter";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, natLab, runConntrail } from "../lab/index.ts";
import { NETWORK, OWN } from "./reports.ts";

kernelTest(
  "why tells which fact decided direction, translation and both processes of a connection through NAT",
  async () => {
    await using lab = await natLab({ track: "all", network: NETWORK });
    const server = await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const client = await lab.client.start("tcp-client", {
      host: lab.virtual.address,
      port: lab.virtual.port,
      hold: true,
    });
    const end = `${lab.client.address}:${client.ready.ports![0]}`;

    const all = await why(lab.client, [end, `${lab.virtual.address}:${lab.virtual.port}`]);
    expect(all.connection).toMatchObject({ from: { pid: client.pid }, to: { pid: server.pid, ...lab.real[0]! } });
    expect(decided(all)).toEqual(expect.arrayContaining(["direction", "from.process", "nat", "to.process"]));
    expect(new Set(all.facts.map(({ source }) => source))).toEqual(new Set(["dump", "socket", "listener"]));
    const tracking = all.facts.filter(({ source }) => source === "dump").map(({ netns }) => netns);
    expect(tracking.sort()).toEqual(lab.namespaces.map(({ inode }) => inode).sort());

    const own = await why(lab.client, [end, ...OWN]);
    expect(own.blanks.find(({ about }) => about === "to.process")).toMatchObject({
      text: expect.stringContaining("its process is elsewhere"),
      help: expect.stringContaining("ask on that host"),
    });
  },
  { timeout: 180_000 },
);

async function why(namespace: LabNamespace, args: readonly string[]): Promise<Explanation> {
  const command = ["why", ...args, "--format", "json", "--window", "500ms", "--no-names"];
  const { code, stdout, stderr } = await runConntrail(namespace, command, { timeoutMs: 80_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { explanations } = JSON.parse(stdout) as { readonly explanations: readonly Explanation[] };
  return explanations[0]!;
}

function decided({ facts }: Explanation): string[] {
  return facts.flatMap(({ claims }) => claims.filter(({ verdict }) => verdict === "decided").map(({ about }) => about));
}
