import { once } from "node:events";
import { createServer } from "node:net";
import {
  FAMILY,
  formatAddress,
  kindFamily,
  kindProtocol,
  kindState,
  PROTOCOL,
  SOCKET,
  SOCKET_STATE,
  SOCKET_WORDS,
  SocketRows,
} from "@conntrail/model";
import {
  NET_SOCKET_FILES,
  type NetSocketFile,
  netSocketProtocol,
  parseNetSockets,
  readNetNamespace,
  readNetSockets,
} from "@conntrail/procfs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unpackProcTree } from "./proc-tree.ts";

const ALL_STATES = 0xffffffff;

/** `tcp established 10.0.0.1:80 10.0.0.2:4000 #17`, one line per row. */
function describeRows(rows: SocketRows): string[] {
  const stateNames = new Map<number, string>(Object.entries(SOCKET_STATE).map(([name, state]) => [state, name]));
  return Array.from({ length: rows.count }, (_, row) => {
    const at = row * SOCKET_WORDS;
    const { words } = rows;
    const kind = words[at + SOCKET.kind]!;
    const ports = words[at + SOCKET.ports]!;
    const protocol = kindProtocol(kind) === PROTOCOL.tcp ? "tcp" : "udp";
    const family = kindFamily(kind) === FAMILY.ipv4 ? 4 : 6;
    const end = (address: number, port: number): string => `${formatAddress(words, at + address)}|${port}`;
    return `${protocol}${family} ${stateNames.get(kindState(kind))} ${end(SOCKET.local, ports >>> 16)} ${end(SOCKET.remote, ports & 0xffff)} #${words[at + SOCKET.inode]}`;
  });
}

function parse(bytes: Uint8Array, file: NetSocketFile, states = ALL_STATES, rows = new SocketRows()) {
  const unreadable = parseNetSockets(bytes, { protocol: netSocketProtocol(file), netns: 1, states }, rows);
  return { rows, unreadable };
}

function parseText(text: string, file: NetSocketFile = "tcp") {
  return parse(new TextEncoder().encode(text), file);
}

describe("net/tcp, tcp6, udp, udp6", () => {
  test("S11 IPv4 and IPv6 sockets, IPv4-mapped addresses unmapped, listeners and UDP included", () => {
    using tree = unpackProcTree("pods");
    const rows = new SocketRows();
    for (const file of NET_SOCKET_FILES) {
      expect(parse(readNetSockets(tree.root, file, 1061)!, file, ALL_STATES, rows).unreadable).toBe(0);
    }
    expect(describeRows(rows)).toEqual([
      "tcp6 listen ::|8080 ::|0 #311280",
      "tcp4 established 10.77.0.2|8080 10.77.0.3|58158 #312706",
      "tcp6 established fd77::2|8080 fd77::3|35248 #312715",
      "tcp4 established 10.77.0.2|8080 10.77.0.3|58152 #311282",
      "udp4 close 0.0.0.0|5353 0.0.0.0|0 #311281",
    ]);
    expect(rows.doubles[SOCKET.bytesSent >> 1]).toBe(-1);
  });

  test("S11 only the states asked for", () => {
    using tree = unpackProcTree("odd");
    const states = (1 << SOCKET_STATE.established) | (1 << SOCKET_STATE.closeWait);
    expect(describeRows(parse(readNetSockets(tree.root, "tcp")!, "tcp", states).rows)).toEqual([
      "tcp4 established 127.0.0.1|22 127.0.0.1|50000 #502",
      "tcp4 closeWait 127.0.0.1|50000 127.0.0.1|22 #503",
    ]);
  });

  test("a port 0, a line cut in half, a digit that is none and a file cut in half are counted and skipped; the rest is read", () => {
    using tree = unpackProcTree("odd");
    const { rows, unreadable } = parse(readNetSockets(tree.root, "tcp")!, "tcp");
    expect(unreadable).toBe(5);
    expect(describeRows(rows).map((row) => row.split("#")[1])).toEqual(["501", "502", "503", "0", "0"]);
  });

  test("F40 without IPv6 there is no tcp6, and that is no error", () => {
    using tree = unpackProcTree("odd");
    expect(readNetSockets(tree.root, "tcp6", "self")).toBeUndefined();
    expect(readNetSockets(tree.root, "udp6", 7)).toBeUndefined();
  });

  test("the heading of each file is passed over, and is not needed", () => {
    const line = "   0: 0100007F:0016 0100007F:C350 01 00000000:00000000 00:00000000 00000000  0  0 7 1\n";
    for (const heading of ["  sl  local_address rem_address\n", "   sl  local_address rem_address\n", ""]) {
      const { rows, unreadable } = parseText(heading + line);
      expect([rows.count, unreadable]).toEqual([1, 0]);
    }
    expect(parseText("  sl  local_addr")).toMatchObject({ unreadable: 0, rows: { count: 0 } });
    expect(parseText("")).toMatchObject({ unreadable: 0, rows: { count: 0 } });
  });

  test("a number that does not fit is not cut down to one that does", () => {
    const inode = (digits: string) => parseText(`   0: 0100007F:0016 0100007F:C350 01 0:0 00:0 0  0  0 ${digits} 1\n`);
    expect(inode("4294967295").rows.words[SOCKET.inode]).toBe(4294967295);
    expect(inode("4294967296").unreadable).toBe(1);
    expect(inode("-1").unreadable).toBe(1);
  });

  test("the limit of rows is kept and what is beyond it is counted", () => {
    using tree = unpackProcTree("pods");
    const rows = new SocketRows(2);
    parse(readNetSockets(tree.root, "tcp6", 1061)!, "tcp6", ALL_STATES, rows);
    expect([rows.count, rows.refused]).toEqual([2, 2]);
  });

  test("rows keep what they hold while they grow", () => {
    const lines = Array.from(
      { length: 5000 },
      (_, i) => `${i}: 0100007F:0016 0100007F:C350 01 0:0 00:0 0  0  0 ${i + 1} 1\n`,
    );
    const { rows } = parseText(lines.join(""));
    expect(rows.count).toBe(5000);
    expect(Array.from({ length: 5000 }, (_, i) => rows.words[i * SOCKET_WORDS + SOCKET.inode])).toEqual(
      lines.map((_, i) => i + 1),
    );
  });

  test("any bytes give rows and a count, never an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { rows, unreadable } = parse(bytes, "tcp");
        expect(rows.count + unreadable).toBeLessThanOrEqual(bytes.filter((byte) => byte === 0x0a).length + 1);
      }),
    );
  });

  test("any single byte changed costs at most its own line", () => {
    using tree = unpackProcTree("pods");
    const bytes = readNetSockets(tree.root, "tcp6", 1061)!;
    const heading = bytes.indexOf(0x0a);
    fc.assert(
      fc.property(fc.integer({ min: heading + 1, max: bytes.length - 1 }), fc.nat(255), (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        expect(parse(changed, "tcp6").rows.count).toBeGreaterThanOrEqual(bytes[at] === 0x0a ? 2 : 3);
      }),
    );
  });

  test("S11 the real file shows a real connection at both ends", async () => {
    const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { connect } = await import("node:net");
    const client = connect(port, "127.0.0.1");
    await once(client, "connect");
    try {
      const netns = readNetNamespace("/proc", "self")!;
      const rows = new SocketRows();
      expect(
        parseNetSockets(readNetSockets("/proc", "tcp")!, { protocol: PROTOCOL.tcp, netns, states: ALL_STATES }, rows),
      ).toBe(0);
      const ours = describeRows(rows).filter((row) => row.includes(`|${port} `));
      expect(ours.map((row) => row.split(" #")[0])).toEqual(
        expect.arrayContaining([
          `tcp4 listen 127.0.0.1|${port} 0.0.0.0|0`,
          `tcp4 established 127.0.0.1|${port} 127.0.0.1|${client.localPort}`,
          `tcp4 established 127.0.0.1|${client.localPort} 127.0.0.1|${port}`,
        ]),
      );
    } finally {
      client.destroy();
      server.close();
    }
  });
});
