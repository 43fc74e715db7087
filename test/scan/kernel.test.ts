import { readlinkSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatAddress, SOCKET_STATE, type SocketTable } from "@conntrail/model";
import { Scanner, type ScanSettings } from "@conntrail/scan";
import { describe, expect } from "vitest";
import { kernelTest } from "../lab/kernel-test.ts";
import { createLab } from "../lab/lab.ts";
import type { LabNamespace } from "../lab/namespace.ts";
import { natLab } from "../lab/topology.ts";
import { linesWith, type SocketLine, socketLines } from "./rows.ts";

/** States that last: the others may change between two looks. */
const LASTING =
  (1 << SOCKET_STATE.established) |
  (1 << SOCKET_STATE.closeWait) |
  (1 << SOCKET_STATE.finWait2) |
  (1 << SOCKET_STATE.listen);

async function scan(settings: Partial<ScanSettings> = {}): Promise<SocketTable> {
  return (await new Scanner(settings).scan()).table;
}

function inside(table: SocketTable, namespace: LabNamespace): SocketLine[] {
  return socketLines(table).filter(({ netns }) => netns === namespace.inode);
}

/** A server with `connections` held open by one client, both in the namespace. */
async function pair(namespace: LabNamespace, host: string, connections: number, children = 0) {
  const server = await namespace.start("tcp-server", { host, children });
  const client = await namespace.start("tcp-client", { host, port: server.ready.port!, connections, hold: true });
  return { server, client, port: server.ready.port! };
}

describe("a scan of real sockets", () => {
  kernelTest(
    "S11 S12 both ends of every connection of another namespace, IPv4 and IPv6, each with its process",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      for (const address of ["127.0.0.1", "::1"]) {
        const { server, client, port } = await pair(host, address, 3);
        const table = await scan({ commandLines: true });
        const family = address === "::1" ? 6 : 4;
        const there = linesWith(table, `tcp${family} established ${address}|`, `${address}|${port}`).filter(
          ({ netns }) => netns === host.inode,
        );
        expect(there).toHaveLength(6);
        const ofServer = there.filter(({ socket }) => socket.includes(`established ${address}|${port} `));
        expect(ofServer.map(({ owner }) => owner.split(" ")[0])).toEqual(Array(3).fill(String(server.pid)));
        const ofClient = there.filter((line) => !ofServer.includes(line));
        expect(ofClient.map(({ owner }) => owner.split(" ")[0])).toEqual(Array(3).fill(String(client.pid)));
        expect(linesWith(table, `listen ${address}|${port} `)).toMatchObject([
          { owner: expect.stringContaining(`${server.pid} `) },
        ]);
        const owner = table.owners.find(({ pid }) => pid === server.pid)!;
        expect(owner).toMatchObject({
          process: expect.stringMatching(/./),
          cmdline: expect.stringContaining("tcp-server"),
        });
        expect(owner.startTicks).toBeGreaterThan(0);
      }
    },
  );

  kernelTest("F18 sock_diag and /proc agree on every socket that stays, and on its owner", async () => {
    await using lab = await natLab();
    const server = lab.servers[0]!;
    const listening = await server.start("tcp-server", { port: lab.real[0]!.port });
    await lab.client.start("tcp-client", {
      host: lab.virtual.address,
      port: lab.virtual.port,
      connections: 5,
      hold: true,
    });
    const half = await server.start("half-closer", { host: "127.0.0.1" });
    await server.start("tcp-client", { port: half.ready.port!, connections: 2, hold: true, halfOpen: true });
    await pair(server, "::1", 2);
    const udp = await server.start("udp-server", { host: "0.0.0.0" });
    await server.start("udp-client", { host: "127.0.0.1", port: udp.ready.port! });
    const [kernel, proc] = [
      await scan({ backend: "sock_diag", states: LASTING }),
      await scan({ backend: "proc", states: LASTING }),
    ];
    expect([kernel.health.backend, proc.health.backend]).toEqual(["sock_diag", "proc"]);
    for (const namespace of [lab.client, server]) {
      const seen = (table: SocketTable) =>
        inside(table, namespace)
          .map(({ socket, inode, device, owner, owners, dualStack }) =>
            JSON.stringify({ socket, inode, device, owner, owners, dualStack }),
          )
          .sort();
      expect(seen(kernel)).toEqual(seen(proc));
      expect(seen(kernel).length).toBeGreaterThanOrEqual(namespace === server ? 17 : 5);
    }
    const facts = (table: SocketTable) =>
      table.namespaces
        .filter(({ netns }) => netns === server.inode)
        .map(({ addresses, ephemeral }) => ({ addresses: texts(addresses).sort(), ephemeral }));
    expect(facts(kernel)).toEqual(facts(proc));
    expect(listening.running).toBe(true);
  });

  kernelTest(
    "F26 a pre-forking server: the shared listener belongs to the parent, each connection to whoever accepted it",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      const { server, port } = await pair(host, "127.0.0.1", 12, 3);
      const family = [server.pid, ...server.ready.pids!];
      const scanner = new Scanner();
      for (let i = 0; i < 4; i++) {
        const { table } = await scanner.scan();
        const [listener] = linesWith(table, `listen 127.0.0.1|${port} `);
        expect(Number(listener!.owner.split(" ")[0])).toBe(Math.min(...family));
        expect(listener!.owners).toBe(4);
        const accepted = linesWith(table, `established 127.0.0.1|${port} `);
        expect(accepted).toHaveLength(12);
        for (const { owner, owners } of accepted) {
          expect(family).toContain(Number(owner.split(" ")[0]));
          expect(owners).toBe(1);
        }
      }
    },
  );

  kernelTest(
    "F21 what opens between two scans, in an old process and in a new one, has its owner in the next one",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      const first = await pair(host, "127.0.0.1", 400);
      const scanner = new Scanner();
      await scanner.scan();
      await scanner.scan();
      const client = await host.start("tcp-client", { port: first.port, connections: 40, hold: true });
      const late = await host.start("tcp-server", { host: "127.0.0.1" });
      const { table } = await scanner.scan();
      expect(linesWith(table, `listen 127.0.0.1|${late.ready.port} `)).toMatchObject([
        { owner: expect.stringContaining(`${late.pid} `) },
      ]);
      const ports = new Set(client.ready.ports);
      const ours = inside(table, host).filter(({ socket }) =>
        [...socket.matchAll(/\|(\d+)/g)].some(([, port]) => ports.has(Number(port))),
      );
      expect(ours).toHaveLength(80);
      expect(new Set(ours.map(({ owner }) => owner.split(" ")[0]))).toEqual(
        new Set([String(client.pid), String(first.server.pid)]),
      );
    },
  );

  kernelTest(
    "F30 a socket that takes the place of a file in an old process, whose count stays the same, is searched for and found",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      const server = await host.start("tcp-server", { host: "127.0.0.1" });
      const file = fileURLToPath(new URL("./programs/swaps-file-for-socket.mjs", import.meta.url));
      const swapping = host.spawn(process.execPath, [file]);
      await swapping.json();
      const scanner = new Scanner();
      for (let i = 0; i < 8; i++) await scanner.scan();
      swapping.write(`${server.ready.port}\n`);
      const { link, port } = await swapping.json<{ link: string; port: number }>();
      expect(link).toMatch(/^socket:/);
      const owner = new RegExp(`^${swapping.pid} `);
      const owners: string[] = [];
      // On an idle host it takes one scan more; other tests' processes share the search.
      for (let i = 0; i < 6 && !owner.test(owners.at(-1) ?? ""); i++) {
        owners.push(linesWith((await scanner.scan()).table, `127.0.0.1|${port} 127.0.0.1|`)[0]!.owner);
      }
      expect(owners.at(-1)).toMatch(owner);
    },
  );

  kernelTest(
    "F27 when a process has gone, none of its sockets is shown on another one, whoever takes its place",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      const { client, port } = await pair(host, "127.0.0.1", 5);
      const scanner = new Scanner();
      await scanner.scan();
      const ports = client.ready.ports!;
      await client.stop("SIGKILL");
      const next = await host.start("tcp-client", { port, connections: 5, hold: true });
      const { table } = await scanner.scan();
      expect(table.owners.map(({ pid }) => pid)).not.toContain(client.pid);
      for (const { socket, owner } of inside(table, host)) {
        if (ports.some((old) => socket.includes(`127.0.0.1|${old} `) && !next.ready.ports!.includes(old))) {
          expect(owner).not.toMatch(new RegExp(`^${next.pid} `));
        }
      }
    },
  );

  kernelTest(
    "F25 processes that share the host's namespace and one inside another are told apart by namespace",
    async () => {
      await using lab = await createLab("one", "two");
      const pairs = await Promise.all(["one", "two"].map((role) => pair(lab.ns(role), "127.0.0.1", 2)));
      const table = await scan();
      for (const [i, role] of ["one", "two"].entries()) {
        const owners = new Set(inside(table, lab.ns(role)).map(({ owner }) => Number(owner.split(" ")[0])));
        expect(owners).toEqual(new Set([pairs[i]!.server.pid, pairs[i]!.client.pid]));
      }
    },
  );

  kernelTest("S11 UDP: bound sockets and connected ones, and a listener on :: that takes IPv4 too", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    const udp = await host.start("udp-server", { host: "127.0.0.1" });
    const tcp = await host.start("tcp-server", { host: "::" });
    const table = await scan();
    expect(linesWith(table, `udp4 close 127.0.0.1|${udp.ready.port} `)).toMatchObject([
      { owner: expect.stringContaining(`${udp.pid} `) },
    ]);
    expect(linesWith(table, `tcp6 listen ::|${tcp.ready.port} `)).toMatchObject([{ dualStack: true }]);
  });

  kernelTest("bytes and round-trip time of a connection come with it, unless they are not wanted", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    const server = await host.start("tcp-server", { host: "127.0.0.1" });
    await host.start("tcp-client", { port: server.ready.port!, bytes: 1000, hold: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const sent = async (settings: Partial<ScanSettings>) =>
      linesWith(await scan(settings), "established", `127.0.0.1|${server.ready.port}`).map(
        ({ bytesSent }) => bytesSent,
      );
    expect(await sent({})).toEqual([1000, 1000].map((bytes) => expect.toSatisfy((value: number) => value >= bytes)));
    expect(await sent({ tcpInfo: false })).toEqual([-1, -1]);
  });

  kernelTest(
    "a named namespace without processes is known with its addresses, and is not kept alive by having been scanned",
    async () => {
      const scanner = new Scanner();
      let inode: number;
      {
        await using lab = await createLab("empty");
        const empty = lab.ns("empty");
        await empty.sysctl("net.ipv4.ip_local_port_range", "20000 30000");
        await empty.exec("ip", ["addr", "add", "192.0.2.9/32", "dev", "lo"]);
        inode = empty.inode;
        const { table } = await scanner.scan();
        const facts = table.namespaces.find(({ netns }) => netns === inode)!;
        expect(texts(facts.addresses)).toEqual(expect.arrayContaining(["127.0.0.1", "192.0.2.9"]));
        expect(facts.ephemeral).toEqual({ low: 20000, high: 30000 });
      }
      const { table } = await scanner.scan();
      expect(table.namespaces.map(({ netns }) => netns)).not.toContain(inode);
    },
  );

  kernelTest("namespaces that come and go while they are scanned end no scan", async () => {
    let coming = true;
    const churn = (async () => {
      for (let i = 0; i < 12; i++) await (await createLab("brief", "briefer"))[Symbol.asyncDispose]();
      coming = false;
    })();
    const scanner = new Scanner({ processes: false });
    const seen = new Set<number>();
    while (coming) {
      const { table } = await scanner.scan();
      for (const { netns } of table.namespaces) seen.add(netns);
      expect(["ok", "degraded"]).toContain(table.health.state);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await churn;
    expect(seen.size).toBeGreaterThan(1);
  });

  kernelTest("the scanning thread is in its own namespace again after each scan", async () => {
    await using lab = await createLab("one", "two");
    await scan();
    expect(statSync(lab.ns("one").path).ino).not.toBe(statSync("/proc/thread-self/ns/net").ino);
    expect(readlinkSync("/proc/thread-self/ns/net")).toBe(readlinkSync("/proc/self/ns/net"));
  });
});

describe("without privileges", () => {
  interface Said {
    readonly port: number;
    readonly server: number;
    readonly health: SocketTable["health"];
    readonly sockets: readonly { port: number; pid: number | null; reason: string }[];
  }

  async function asNobody(namespace: LabNamespace, namespaces: "all" | "own"): Promise<Said> {
    const file = fileURLToPath(new URL("./programs/scan-as-nobody.mjs", import.meta.url));
    const program = namespace.spawn(process.execPath, [file, namespaces]);
    return program.json<Said>(20_000);
  }

  kernelTest(
    "S12 F30 F43 own processes are named, those of others are told as not permitted, and nothing fails",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      const root = await host.start("tcp-server", { host: "127.0.0.1" });
      const said = await asNobody(host, "own");
      const own = said.sockets.find(({ port }) => port === said.port);
      expect(own).toMatchObject({ pid: said.server, reason: "known" });
      const other = said.sockets.find(({ port }) => port === root.ready.port);
      expect(other).toMatchObject({ pid: null, reason: "permission" });
      expect(said.health).toMatchObject({
        state: "degraded",
        reason: "partly-permitted",
        backend: "sock_diag",
        namespaces: 1,
      });
      for (const { pid, reason } of said.sockets) expect(pid === null).toBe(reason !== "known");
    },
  );

  kernelTest("hidepid on the real /proc is told apart from missing permission", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    const root = await host.start("tcp-server", { host: "127.0.0.1" });
    const hidden = ["--mount", "sh", "-c", 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"', "sh"];
    const file = fileURLToPath(new URL("./programs/scan-as-nobody.mjs", import.meta.url));
    const said = await host.spawn("unshare", [...hidden, process.execPath, file, "own"]).json<Said>(20_000);
    expect(said.health).toMatchObject({ state: "degraded", reason: "hidepid", backend: "sock_diag" });
    expect(said.sockets.find(({ port }) => port === root.ready.port)).toMatchObject({
      pid: null,
      reason: "permission",
    });
    expect(said.sockets.find(({ port }) => port === said.port)).toMatchObject({ pid: said.server });
  });

  kernelTest(
    "other namespaces that are known but closed to us degrade the health; the own one is complete",
    async () => {
      await using lab = await createLab("host", "closed");
      const said = await asNobody(lab.ns("host"), "all");
      expect(said.sockets.map(({ port }) => port)).toContain(said.port);
      expect(said.health).toMatchObject({ state: "degraded", reason: "partly-permitted", namespaces: 1 });
      expect(said.health.advice).toMatch(/CAP_SYS_(ADMIN|PTRACE)/);
    },
  );
});

function texts(addresses: Uint32Array): string[] {
  return Array.from({ length: addresses.length / 4 }, (_, i) => formatAddress(addresses, i * 4));
}
