/** The five questions that an operator comes with, each answered by one command. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, loopbackLab, natLab, runConntrail } from "../lab/index.ts";

const OWN = ["--namespaces", "own", "--no-names"];

/** Rows of a table, below its titles. */
async function rows(namespace: LabNamespace, ...args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await runConntrail(namespace, ["report", "--format", "table", ...args, ...OWN]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.trimEnd().split("\n");
  const titles = lines.findIndex((line) => /^(FROM|PROTO|TO\.PORT) /.test(line));
  expect(titles, stdout).toBeGreaterThan(0);
  return lines.slice(titles + 1).filter((line) => line !== "" && !/^[~?-]. direction/.test(line));
}

kernelTest(
  "which process fails to connect, and to where: report --state failed",
  async () => {
    await using lab = await loopbackLab();
    const failing = `process.title = "unlucky"; const { connect } = require("node:net");
      setInterval(() => connect(9, "127.0.0.1").on("error", () => {}), 100); console.log("{}");`;
    await lab.host.spawn(process.execPath, ["-e", failing]).json();
    const [first, ...others] = await rows(lab.host, "--state", "failed");
    expect(first).toMatch(/^unlucky +127\.0\.0\.1 +discard /);
    expect(others).toEqual([]);
  },
  120_000,
);

kernelTest(
  "who is calling port 5432: report --to-port 5432 --by process",
  async () => {
    await using lab = await loopbackLab();
    for (const port of [5432, 5433]) {
      await lab.host.start("tcp-server", { port });
      const calling = `process.title = "caller-${port}"; const { connect } = require("node:net");
        connect(${port}, "127.0.0.1", () => console.log("{}"));`;
      await lab.host.spawn(process.execPath, ["-e", calling]).json();
    }
    const [first, ...others] = await rows(lab.host, "--to-port", "5432", "--by", "process");
    expect(first).toMatch(/^caller-5432 +node /);
    expect(others).toEqual([]);
  },
  120_000,
);

kernelTest(
  "what this container talks to in a minute: report --window 1m --container ID --by address,to.port",
  async () => {
    // Emptied, by the end of the lab, before it is taken away.
    const id = "c0ffee".padEnd(64, "0");
    using group = controlGroup(`conntrail-test-${process.pid}`, `docker-${id}.scope`);
    await using lab = await loopbackLab();
    await lab.host.start("tcp-server", { port: 5001 });
    await lab.host.start("tcp-server", { port: 5002 });
    const inside = await lab.host.start("tcp-client", { port: 5001, bytes: 0, hold: true });
    await lab.host.start("tcp-client", { port: 5002, hold: true });
    group.add(inside.ready.pid);
    const [first, ...others] = await rows(lab.host, "--container", "c0ffee", "--by", "address,to.port");
    expect(first).toMatch(/^127\.0\.0\.1 +127\.0\.0\.1 +5001 /);
    expect(others).toEqual([]);
  },
  120_000,
);

kernelTest(
  "what is new since I started: report --new",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.start("tcp-server", { port: 5001 });
    await lab.host.start("tcp-server", { port: 5002 });
    await lab.host.start("tcp-client", { port: 5001, connections: 3, hold: true });
    const client = lab.host.start("tcp-client", { port: 5002, connections: 4000, rate: 20, "duration-ms": 50 });
    const all = await rows(lab.host, "--by", "to.port");
    expect(all.map((line) => line.split(" ")[0]).toSorted()).toEqual(["5001", "5002"]);
    const fresh = await rows(lab.host, "--new", "--by", "to.port");
    expect(fresh.map((line) => line.split(" ")[0])).toEqual(["5002"]);
    await client;
  },
  120_000,
);

kernelTest(
  "which edges go through NAT, and to which backends: report --nat any --each",
  async () => {
    await using lab = await natLab({ backends: 2 });
    for (const server of lab.servers) await server.start("tcp-server", { host: server.address, port: 8080 });
    await lab.client.start("tcp-client", { host: lab.virtual.address, port: 80, connections: 4, hold: true });
    const seen = await rows(lab.router, "--nat", "any", "--each");
    expect(seen).toHaveLength(4);
    for (const { address, port } of lab.real) {
      expect(seen.filter((line) => line.includes(`${address}:${port}`) && line.includes("dnat+snat"))).toHaveLength(2);
    }
  },
  120_000,
);

/** A control group as a container engine makes one, in the hierarchy that /proc/PID/cgroup shows; gone afterwards. */
function controlGroup(parent: string, name: string): Disposable & { readonly add: (pid: number) => void } {
  const [root] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].filter((folder) => existsSync(`${folder}/cgroup.procs`));
  const outer = `${root}/${parent}`;
  const inner = `${outer}/${name}`;
  mkdirSync(inner, { recursive: true });
  const add = (pid: number): void => writeFileSync(`${inner}/cgroup.procs`, String(pid));
  return {
    add,
    [Symbol.dispose]: () => {
      rmdirSync(inner);
      rmdirSync(outer);
    },
  };
}
