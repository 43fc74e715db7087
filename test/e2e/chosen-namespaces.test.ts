/** Some namespaces of many (`namespaces` as a list): connections and processes of those, and not a question to the others. */
import { expect, test } from "vitest";
import { createLab, kernelTest, type LabNamespace, runConntrail, TRACK } from "../lab/index.ts";
import { report, watch } from "./reports.ts";

/** A server with one connection that is held, and its port. */
async function talking(namespace: LabNamespace): Promise<number> {
  await namespace.nft(TRACK);
  const server = await namespace.start("tcp-server");
  await namespace.start("tcp-client", { port: server.ready.port!, connections: 1, hold: true });
  return server.ready.port!;
}

kernelTest(
  "only the namespaces of a list are told, by name and by inode, with both processes, and with the own one where it is listed",
  async () => {
    await using lab = await createLab("one", "two", "three");
    const [one, two, three] = ["one", "two", "three"].map((role) => lab.ns(role)) as [
      LabNamespace,
      LabNamespace,
      LabNamespace,
    ];
    for (const namespace of lab.namespaces) await talking(namespace);
    const seenFrom = async (where: LabNamespace, list: string): Promise<number[]> => {
      const { connections, health } = await report(where, ["--namespaces", list]);
      expect(health.conntrack).toMatchObject({ state: "ok", reason: null });
      for (const { from, to } of connections) expect([from.process, to.process]).toEqual(["node", "node"]);
      return connections.map(({ netns }) => netns!).sort();
    };
    expect(await seenFrom(one, two.name)).toEqual([two.inode]);
    expect(await seenFrom(one, `${two.name},${three.inode}`)).toEqual([two.inode, three.inode].sort());
    expect(await seenFrom(one, `own,${three.inode}`)).toEqual([one.inode, three.inode].sort());
  },
  { timeout: 180_000 },
);

kernelTest(
  "one that is not there is named in health, and taken in when it comes, with what begins in it and ends soon",
  async () => {
    await using lab = await createLab("one");
    const later = `${lab.prefix}-later`;
    await using running = await watch(lab.ns("one"), ["--namespaces", later, "--no-names"]);
    await running.until(({ health }) => health.conntrack.reason === "no-such-namespace", 20_000);
    expect(running.reports.at(-1)!.health.conntrack.advice).toContain(later);
    expect(running.reports.flatMap(({ connections }) => connections)).toEqual([]);
    await lab.addNamespace("later");
    const port = await talking(lab.ns("later"));
    await running.until(({ connections }) => connections.some(({ to }) => to.port === port), 40_000);
    await running.until(({ health }) => health.conntrack.reason === null, 20_000);
    const short = await lab.ns("later").start("tcp-client", { port, connections: 20, rate: 20 });
    const { ports } = await short.json<{ ports: number[] }>(30_000);
    const told = (): number[] =>
      running.reports
        .flatMap(({ connections }) => connections)
        .filter(({ state, to }) => state === "closed" && to.port === port)
        .map(({ from }) => from.port)
        .sort();
    await running.until(() => told().length >= ports.length, 20_000);
    expect(told()).toEqual(ports.sort());
  },
  { timeout: 180_000 },
);

test("a list that cannot be meant is refused", async () => {
  const said = async (list: string): Promise<string> => {
    const { code, stderr } = await runConntrail(undefined, ["report", "--namespaces", list]);
    return `${code} ${stderr}`;
  };
  expect(await said("all,own")).toMatch(/^2 .*--namespaces.*"all" alone/);
  expect(await said("own,,x")).toMatch(/^2 .*--namespaces/);
  expect(await said("/run/netns/shop")).toMatch(/^2 .*--namespaces/);
});
