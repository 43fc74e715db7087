/** Looks at single ends on a real kernel: who holds the one socket of an end, found without a scan. */
import { FAMILY, PROTOCOL, packKind, parseAddress, TRACE, TRACE_ROLE, TRACE_WORDS } from "@conntrail/model";
import { Scanner } from "@conntrail/scan";
import { describe, expect } from "vitest";
import { createLab, kernelTest } from "../lab/index.ts";
import { socketLines } from "./rows.ts";

interface End {
  readonly protocol?: number;
  readonly netns: number;
  readonly address: string;
  readonly local: number;
  readonly remote: number;
}

function rowsOf(ends: readonly End[]): Uint32Array {
  const rows = new Uint32Array(ends.length * TRACE_WORDS);
  for (const [i, { protocol = PROTOCOL.tcp, netns, address, local, remote }] of ends.entries()) {
    const at = i * TRACE_WORDS;
    rows.set(parseAddress(address)!, at + TRACE.local);
    rows.set(parseAddress(address)!, at + TRACE.remote);
    rows[at + TRACE.ports] = (local << 16) | remote;
    rows[at + TRACE.kind] = packKind(protocol, FAMILY.ipv4, TRACE_ROLE.held, 0);
    rows[at + TRACE.netns] = netns;
  }
  return rows;
}

/** `LOCAL-PORT PID` of each end whose holder was found. */
function look(scanner: Scanner, ends: readonly End[]): string[] {
  const { rows, count, owners } = scanner.look(rowsOf(ends), ends.length).ends;
  return Array.from({ length: count }, (_, i) => {
    const at = i * TRACE_WORDS;
    return `${rows[at + TRACE.ports]! >>> 16} ${owners[rows[at + TRACE.owner]! - 1]!.pid}`;
  });
}

describe("a look between two scans", () => {
  kernelTest(
    "F29 finds who holds each end of a connection that is younger than the last scan",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      for (const [address, rounds] of [
        ["127.0.0.1", 2],
        ["::1", 1],
      ] as const) {
        const server = await host.start("tcp-server", { host: address });
        const port = server.ready.port!;
        const scanner = new Scanner();
        await scanner.scan();
        for (let round = 0; round < rounds; round++) {
          const client = await host.start("tcp-client", { host: address, port, connections: 5, hold: true });
          const at = { netns: host.inode, address };
          const ends = client.ready.ports!.flatMap((own) => [
            { ...at, local: own, remote: port },
            { ...at, local: port, remote: own },
          ]);
          const expected = client.ready.ports!.flatMap((own) => [`${own} ${client.pid}`, `${port} ${server.pid}`]);
          // What the server has not yet accepted belongs to nobody.
          await expect.poll(() => look(scanner, ends), { timeout: 20_000 }).toEqual(expected);
          await client.stop();
          const gone = ends.filter(({ remote }) => remote === port);
          expect(look(scanner, gone), "closed: the listener that the kernel answers with does not stand in").toEqual(
            [],
          );
        }
        // What a look has found does not confuse the next scan.
        const client = await host.start("tcp-client", { host: address, port, connections: 2, hold: true });
        const both = client.ready.ports!.flatMap((own) => [
          { netns: host.inode, address, local: own, remote: port },
          { netns: host.inode, address, local: port, remote: own },
        ]);
        const owners = client.ready.ports!.flatMap((own) => [`${own} ${client.pid}`, `${port} ${server.pid}`]);
        await expect.poll(() => look(scanner, both), { timeout: 20_000 }).toEqual(owners);
        const { table } = await scanner.scan();
        const established = socketLines(table).filter(
          ({ netns, socket }) => netns === host.inode && socket.includes(` established ${address}|`),
        );
        expect(established.map(({ owner }) => Number(owner.split(" ")[0])).sort()).toEqual(
          [client.pid, client.pid, server.pid, server.pid].sort(),
        );
        await server.stop();
      }
    },
    60_000,
  );

  kernelTest("F29 finds who holds a UDP socket, bound to a peer or to a port alone", async () => {
    await using lab = await createLab("host");
    const host = lab.ns("host");
    const server = await host.start("udp-server");
    const port = server.ready.port!;
    const scanner = new Scanner();
    await scanner.scan();
    const client = await host.start("udp-client", { port, sockets: 3 });
    const at = { protocol: PROTOCOL.udp, netns: host.inode, address: "127.0.0.1" };
    const ends = client.ready.ports!.flatMap((own) => [
      { ...at, local: own, remote: port },
      { ...at, local: port, remote: own },
    ]);
    const expected = client.ready.ports!.flatMap((own) => [`${own} ${client.pid}`, `${port} ${server.pid}`]);
    expect(look(scanner, ends)).toEqual(expected);
    expect(look(scanner, [{ ...at, local: client.ready.ports![0]!, remote: port + 1 }]), "another peer").toEqual([]);
    await client.stop();
    expect(
      look(
        scanner,
        ends.filter(({ remote }) => remote === port),
      ),
    ).toEqual([]);
  });

  kernelTest(
    "finds nobody before the first scan, in a namespace that the last one did not know, or with processes off",
    async () => {
      await using lab = await createLab("host");
      const host = lab.ns("host");
      const server = await host.start("tcp-server");
      const port = server.ready.port!;
      const client = await host.start("tcp-client", { port, connections: 1, hold: true });
      const end = { netns: host.inode, address: "127.0.0.1", local: client.ready.ports![0]!, remote: port };
      expect(look(new Scanner(), [end])).toEqual([]);
      const own = new Scanner({ namespaces: "own" });
      await own.scan();
      expect(look(own, [end])).toEqual([]);
      const off = new Scanner({ processes: false });
      await off.scan();
      expect(look(off, [end])).toEqual([]);
      const on = new Scanner();
      await on.scan();
      expect(look(on, [end])).toEqual([`${end.local} ${client.pid}`]);
    },
  );
});
