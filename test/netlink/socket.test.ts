/** Netlink sockets on a real kernel: subscriptions, overruns, namespaces, filters, dumps, and their end. */
import { execFile } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { formatAddress } from "@conntrail/model";
import {
  assembleBpf,
  BPF,
  type BpfInstruction,
  type BpfLine,
  type ConntrackMessage,
  decodeConntrack,
  decodeInetDiag,
  encodeConntrackDump,
  encodeInetDiagRequest,
  INET_DIAG,
  type InetDiagMessage,
  IPCTNL_MSG_CT,
  LITTLE_ENDIAN,
  MessageCursor,
  NETLINK_FAMILY,
  NFNLGRP,
  NLMSG_OFFSET,
  SKNLGRP,
} from "@conntrail/netlink";
import {
  dump,
  inNamespace,
  interfaceAddresses,
  type NetlinkSocket,
  type NetlinkSocketOptions,
  OVERRUN,
  openNetlinkSocket,
} from "@conntrail/netlink/socket";
import { describe, expect, test } from "vitest";
import { kernelTest, loopbackLab, plainLab } from "../lab/index.ts";
import { apply, churn, flow } from "./flows.ts";

const EVENTS = [NFNLGRP.conntrackNew, NFNLGRP.conntrackUpdate, NFNLGRP.conntrackDestroy];

/** A subscription to the conntrack events of a namespace. */
function subscribe(namespacePath: string, options: Partial<NetlinkSocketOptions> = {}): NetlinkSocket {
  return openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, groups: EVENTS, namespacePath, ...options });
}

/** Everything that is there, decoded; overruns are counted. */
function drain(socket: NetlinkSocket): { readonly messages: readonly ConntrackMessage[]; readonly overruns: number } {
  const messages: ConntrackMessage[] = [];
  let overruns = 0;
  for (let count = socket.receive(); count !== 0; count = socket.receive()) {
    if (count === OVERRUN) overruns++;
    for (let i = 0; i < count; i++) {
      messages.push(decodeConntrack(socket.block, socket.offsets[i], socket.lengths[i]));
    }
  }
  return { messages, overruns };
}

/** `new tcp:80 syn-sent` in short: kind, protocol, destination port, TCP state. */
function shortly({ kind, original, protoInfo }: ConntrackMessage): string {
  const port = original.proto.kind === "ports" ? original.proto.destinationPort : 0;
  return `${kind} ${original.proto.number}:${port}${protoInfo === undefined ? "" : ` ${protoInfo.state}`}`;
}

describe("subscription", () => {
  kernelTest("a socket sees what happens in its namespace, in order, and nothing of another", async () => {
    await using lab = await plainLab();
    const other = await lab.addNamespace("other");
    const socket = subscribe(lab.host.path);
    const elsewhere = subscribe(other.path);
    apply(lab.host.path, "create", flow(6, 80, { protoInfo: { kind: "tcp", state: 1 } }));
    apply(lab.host.path, "update", flow(6, 80, { protoInfo: { kind: "tcp", state: 3 } }));
    apply(lab.host.path, "delete", flow(6, 80));
    expect(drain(socket)).toMatchObject({ overruns: 0 });
    apply(lab.host.path, "create", flow(17, 53));
    expect(drain(socket).messages.map(shortly)).toEqual(["new 17:53"]);
    expect(drain(elsewhere).messages).toEqual([]);
    expect(socket.truncated).toBe(0);
    socket.close();
    elsewhere.close();
  });

  kernelTest("only the groups that were joined are heard", async () => {
    await using lab = await plainLab();
    const socket = subscribe(lab.host.path, { groups: [NFNLGRP.conntrackDestroy] });
    apply(lab.host.path, "create", flow(17, 53));
    apply(lab.host.path, "delete", flow(17, 53));
    expect(drain(socket).messages.map(shortly)).toEqual(["destroy 17:53"]);
    socket.close();
  });

  kernelTest("many datagrams are taken with one call, up to the number asked for", async () => {
    await using lab = await plainLab();
    const socket = subscribe(lab.host.path, { messagesPerCall: 4 });
    for (let port = 1; port <= 6; port++) apply(lab.host.path, "create", flow(17, port));
    expect([socket.receive(), socket.receive(), socket.receive()]).toEqual([4, 2, 0]);
    expect([...socket.offsets].every((offset) => offset % 8 === 0)).toBe(true);
    socket.close();
  });

  kernelTest("sockets that share their block take turns in it", async () => {
    await using lab = await plainLab();
    const [one, two] = [subscribe(lab.host.path, { shareBlock: true }), subscribe(lab.host.path, { shareBlock: true })];
    const own = subscribe(lab.host.path);
    apply(lab.host.path, "create", flow(17, 53));
    expect(one.block).toBe(two.block);
    expect(own.block).not.toBe(one.block);
    for (const socket of [one, two, own]) {
      expect(drain(socket).messages.map(shortly)).toEqual(["new 17:53"]);
      socket.close();
    }
  });

  kernelTest("a datagram that does not fit into its slot is counted, and its first part is delivered", async () => {
    await using lab = await plainLab();
    const socket = subscribe(lab.host.path, { slotBytes: 64 });
    apply(lab.host.path, "create", flow(17, 53));
    expect([socket.receive(), socket.lengths[0], socket.truncated]).toEqual([1, 64, 1]);
    expect(() => decodeConntrack(socket.block, socket.offsets[0], socket.lengths[0])).toThrow("truncated");
    socket.close();
  });

  kernelTest("the bytes of a closing TCP socket arrive with SKNLGRP_INET_TCP_DESTROY", async () => {
    await using lab = await plainLab();
    const server = await lab.host.start("tcp-server");
    const socket = subscribe(lab.host.path, {
      family: NETLINK_FAMILY.sockDiag,
      groups: [SKNLGRP.inetTcpDestroy, SKNLGRP.inet6TcpDestroy],
    });
    await lab.host.start("tcp-client", { port: server.ready.port! });
    const closed = await eventually(() => {
      const found: InetDiagMessage[] = [];
      for (let count = socket.receive(); count > 0; count = socket.receive()) {
        for (let i = 0; i < count; i++) found.push(decodeInetDiag(socket.block, socket.offsets[i], socket.lengths[i]));
      }
      return found.find(({ destinationPort }) => destinationPort === server.ready.port);
    });
    expect(closed.protocol).toBe(6);
    expect(closed.tcp?.bytesAcked).toBeGreaterThan(0n);
    socket.close();
  });
});

describe("overrun", () => {
  kernelTest(
    "F1 F3 a buffer of 32 KiB gives OVERRUN, the loss adds up to the event, and the socket goes on",
    async () => {
      await using lab = await plainLab();
      const socket = subscribe(lab.host.path, { receiveBufferBytes: 32 * 1024 });
      expect(socket.receiveBufferBytes()).toBe(32 * 1024);
      let before = 0;
      for (let round = 1; round <= 3; round++) {
        const made = churn(lab.host.path, 500);
        const { messages, overruns } = drain(socket);
        expect(overruns, `round ${round}`).toBe(1);
        expect(messages.length).toBeGreaterThan(0);
        expect(messages.length + socket.drops()! - before).toBe(made);
        before = socket.drops()!;
        apply(lab.host.path, "create", flow(17, round));
        expect(drain(socket).messages.map(shortly), "events come again").toEqual([`new 17:${round}`]);
      }
      socket.close();
    },
  );

  kernelTest("drops are those of /proc/net/netlink, and are read from outside the namespace", async () => {
    await using lab = await plainLab();
    const socket = subscribe(lab.host.path, { receiveBufferBytes: 32 * 1024 });
    expect(socket.drops()).toBe(0);
    churn(lab.host.path, 500);
    const inode = readlinkSync(`/proc/self/fd/${socket.fd}`).match(/\d+/)![0];
    const table = inNamespace(lab.host.path, () => readFileSync("/proc/thread-self/net/netlink", "utf8"));
    const row = table
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .find((columns) => columns[9] === inode)!;
    expect(row[2], "the port").toBe(String(socket.portId));
    expect(socket.drops()).toBe(Number(row[8]));
    expect(socket.drops()).toBeGreaterThan(0);
    socket.close();
  });

  kernelTest("a larger buffer can be had at any time, also beyond net.core.rmem_max", async () => {
    await using lab = await plainLab();
    const socket = subscribe(lab.host.path, { receiveBufferBytes: 32 * 1024 });
    const limit = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
    expect(socket.setReceiveBuffer(4 * limit)).toBe(4 * limit);
    const made = churn(lab.host.path, 500);
    expect(drain(socket)).toMatchObject({ messages: { length: made }, overruns: 0 });
    socket.close();
  });
});

describe("inNamespace", () => {
  const here = (): string => readlinkSync("/proc/thread-self/ns/net");

  kernelTest("runs inside, and is back however the action ends", async () => {
    await using lab = await plainLab();
    const other = await lab.addNamespace("other");
    const home = here();
    const inside = `net:[${lab.host.inode}]`;
    expect(inNamespace(lab.host.path, here)).toBe(inside);
    expect(here()).toBe(home);
    expect(() =>
      inNamespace(lab.host.path, () => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(here()).toBe(home);
    const nested = inNamespace(lab.host.path, () => [inNamespace(other.path, here), here()]);
    expect(nested).toEqual([`net:[${other.inode}]`, inside]);
    expect(here()).toBe(home);
  });

  kernelTest("refuses work that would go on outside", async () => {
    await using lab = await plainLab();
    const home = here();
    let ran = false;
    const later = async (): Promise<void> => {
      ran = true;
    };
    expect(() => inNamespace(lab.host.path, later)).toThrow(TypeError);
    expect(ran, "an async function is not even started").toBe(false);
    expect(() => inNamespace(lab.host.path, () => Promise.reject(new Error("nobody waits for this")))).toThrow(
      TypeError,
    );
    expect(here()).toBe(home);
  });

  kernelTest("a socket stays in the namespace it was made in", async () => {
    await using lab = await plainLab();
    const { block, ...socket } = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath: lab.host.path });
    expect(block.length).toBeGreaterThanOrEqual(8 * 65_536);
    const table = inNamespace(lab.host.path, () => readFileSync("/proc/thread-self/net/netlink", "utf8"));
    expect(table).toContain(readlinkSync(`/proc/self/fd/${socket.fd}`).match(/\d+/)![0]);
    socket.close();
  });

  test("a namespace that is not there is an OpError", () => {
    expect(() => inNamespace("/run/netns/no-such-namespace", () => 1)).toThrow(
      expect.objectContaining({ name: "OpError", op: "open", errno: "ENOENT" }),
    );
  });

  kernelTest("the addresses of a namespace's interfaces, IPv4 and IPv6", async () => {
    await using lab = await plainLab();
    await lab.host.exec("ip", ["addr", "add", "10.1.2.3/24", "dev", "lo"]);
    await lab.host.exec("ip", ["addr", "add", "10.8.0.1", "peer", "10.8.0.2/32", "dev", "lo"]);
    await lab.host.exec("ip", ["addr", "add", "fd00::7/64", "dev", "lo"]);
    const addresses = await interfaceAddresses(lab.host.path);
    const texts = addresses.map(
      ({ address, prefixLength }) => `${formatAddress(new Uint32Array(address.buffer))}/${prefixLength}`,
    );
    expect(texts.sort()).toEqual(["10.1.2.3/24", "10.8.0.1/32", "127.0.0.1/8", "::1/128", "fd00::7/64"]);
    expect(addresses.find(({ family }) => family === 10)?.index).toBeGreaterThan(0);
  });
});

describe("filter", () => {
  const EVERYTHING = [
    "new 6:80 1",
    "update 6:80 2",
    "update 6:80 3",
    "destroy 6:80 3",
    "new 17:53",
    "update 17:53",
    "destroy 17:53",
    "new 17:4000",
    "update 17:4000",
    "destroy 17:4000",
    "new 132:9 4",
    "update 132:9 4",
    "destroy 132:9 4",
    "new 47:5",
    "update 47:5",
    "destroy 47:5",
  ];

  /** Drops what has this as the low byte of its type, behind `lines` that do nothing. */
  const without = (type: number, lines: readonly BpfLine[] = []): readonly BpfInstruction[] =>
    assembleBpf([
      { code: BPF.loadByte, k: NLMSG_OFFSET.type + (LITTLE_ENDIAN ? 0 : 1) },
      { code: BPF.jumpEqual, k: type, ifTrue: "drop" },
      ...lines,
      { code: BPF.return, k: 0xffffffff },
      "drop",
      { code: BPF.return, k: 0 },
    ]);

  const ROWS = [
    { name: "a type that never comes", filter: without(0xff), passes: () => true },
    {
      name: "the ends of flows",
      filter: without(IPCTNL_MSG_CT.delete),
      passes: (event: string) => !event.startsWith("destroy"),
    },
    {
      name: "more instructions than a short jump spans",
      filter: without(
        IPCTNL_MSG_CT.new,
        Array.from({ length: 600 }, () => ({ code: BPF.toIndex })),
      ),
      passes: (event: string) => event.startsWith("destroy"),
    },
  ];

  kernelTest("what a filter drops never arrives, and all else does", async () => {
    await using lab = await plainLab();
    const sockets = ROWS.map(({ filter }) => subscribe(lab.host.path, { filter }));
    const sctp = { kind: "sctp", state: 4, originalTag: 1, replyTag: 2 } as const;
    const flows = [
      [flow(6, 80, { protoInfo: { kind: "tcp", state: 1 } }), [2, 3]],
      [flow(17, 53), []],
      [flow(17, 4000), []],
      [flow(132, 9, { protoInfo: sctp }), []],
      [flow(47, 5), []],
    ] as const;
    for (const [entry, states] of flows) {
      apply(lab.host.path, "create", entry);
      for (const state of states) apply(lab.host.path, "update", { ...entry, protoInfo: { kind: "tcp", state } });
      if (states.length === 0) apply(lab.host.path, "update", { ...entry, mark: 9 });
      apply(lab.host.path, "delete", entry);
    }
    for (const [i, { name, passes }] of ROWS.entries()) {
      const seen = drain(sockets[i]!).messages.map(shortly);
      expect(seen, name).toEqual(EVERYTHING.filter(passes));
      sockets[i]!.close();
    }
  });

  kernelTest("a program that the kernel refuses is an OpError", async () => {
    await using lab = await plainLab();
    const endless = [{ code: 0x20, jt: 0, jf: 0, k: 0 }];
    expect(() => subscribe(lab.host.path, { filter: endless })).toThrow(
      expect.objectContaining({ name: "OpError", op: "attach filter", errno: "EINVAL" }),
    );
    expect(() => subscribe(lab.host.path, { filter: [] })).toThrow(RangeError);
  });
});

describe("dump", () => {
  kernelTest("the table of 3,000 flows is the one that conntrack -L prints", async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    await lab.host.start("tcp-client", { port: server.ready.port!, connections: 20, hold: true });
    for (let port = 1; port <= 3000; port++) apply(lab.host.path, "create", flow(17, port));
    const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath: lab.host.path });
    const ours = new Map<number, ConntrackMessage>();
    const cursor = new MessageCursor(socket.block);
    const result = dump(socket, encodeConntrackDump(), (block, offset, length) => {
      cursor.over(offset, length);
      while (cursor.next()) {
        const message = decodeConntrack(block, cursor.offset, cursor.end - cursor.offset);
        ours.set(message.id!, message);
      }
    });
    expect(result).toMatchObject({ error: undefined, interrupted: false });
    expect(result.messages).toBe(ours.size);
    const theirs = (await lab.host.conntrack("-o", "id")).filter((line) => line.includes("id="));
    expect(ours.size).toBe(theirs.length);
    for (const line of theirs) {
      const [id, source, destination, sport, dport] = ["id", "src", "dst", "sport", "dport"].map(
        (name) => line.match(new RegExp(`\\b${name}=(\\S+)`))![1]!,
      );
      const { original } = ours.get(Number(id))!;
      expect(`${original.source.join(".")} ${original.destination.join(".")}`).toBe(`${source} ${destination}`);
      expect(original.proto).toMatchObject({ sourcePort: Number(sport), destinationPort: Number(dport) });
    }
    socket.close();
  });

  kernelTest("a filtered dump holds what was asked for", async () => {
    await using lab = await plainLab();
    apply(lab.host.path, "create", flow(6, 80, { zone: 5, mark: 7, protoInfo: { kind: "tcp", state: 3 } }));
    apply(lab.host.path, "create", flow(17, 53));
    const socket = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath: lab.host.path });
    const count = (filter: Parameters<typeof encodeConntrackDump>[0]): number =>
      dump(socket, encodeConntrackDump(filter), () => {}).messages;
    expect([
      count({}),
      count({ family: 2 }),
      count({ family: 10 }),
      count({ family: 2, protocol: 6 }),
      count({ mark: { value: 7, mask: 0xff } }),
      count({ zone: 5 }),
      count({ zone: 6 }),
    ]).toEqual([2, 2, 0, 1, 1, 1, 0]);
    socket.close();
  });

  kernelTest("the sockets of a namespace, with TCP_INFO, from outside it", async () => {
    await using lab = await plainLab();
    const server = await lab.host.start("tcp-server");
    await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
    const socket = openNetlinkSocket({ family: NETLINK_FAMILY.sockDiag, namespacePath: lab.host.path });
    const cursor = new MessageCursor(socket.block);
    const sockets: InetDiagMessage[] = [];
    for (const family of [2, 10]) {
      const message = encodeInetDiagRequest({ family, protocol: 6, extensions: [INET_DIAG.info] });
      const result = dump(socket, message, (block, offset, length) => {
        cursor.over(offset, length);
        while (cursor.next()) sockets.push(decodeInetDiag(block, cursor.offset, cursor.end - cursor.offset));
      });
      expect(result.error).toBeUndefined();
    }
    const listener = sockets.find(({ state, sourcePort }) => state === 10 && sourcePort === server.ready.port);
    const client = sockets.find(({ state, destinationPort }) => state === 1 && destinationPort === server.ready.port);
    expect(inodesOf(server.ready.pid)).toContain(listener?.inode);
    expect(client?.cookie).toBeGreaterThan(0n);
    expect(client?.tcp?.bytesAcked).toBeGreaterThan(0n);
    socket.close();
  });
});

describe("the end", () => {
  kernelTest("closing twice is closing once; afterwards every method says EBADF", async () => {
    await using lab = await plainLab();
    const socket = subscribe(lab.host.path);
    socket.close();
    socket.close();
    for (const use of [() => socket.receive(), () => socket.drops(), () => socket.send(new Uint8Array(16))]) {
      expect(use).toThrow(expect.objectContaining({ name: "OpError", errno: "EBADF" }));
    }
  });

  kernelTest("terminating workers that hold sockets leaves the process alive, and no socket behind", async () => {
    await using lab = await plainLab();
    expect(JSON.parse(await run("terminate-holder", lab.host.path))).toEqual({ held: 1, left: 0 });
  });

  kernelTest("without privileges each refusal says what was refused", async () => {
    await using lab = await plainLab();
    const limit = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
    expect(JSON.parse(await run("unprivileged", lab.host.path))).toEqual({
      join: "OpError join EPERM",
      dump: "EPERM",
      enter: "OpError setns EPERM",
      granted: 2 * limit,
    });
  });

  test("a family that the kernel does not have is an OpError", () => {
    expect(() => openNetlinkSocket({ family: 31 })).toThrow(
      expect.objectContaining({ name: "OpError", op: "socket", errno: "EPROTONOSUPPORT" }),
    );
  });
});

/** Runs one of ./workers in a process of its own; rejects when that dies. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL(`./workers/${program}.mjs`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args]);
  return stdout;
}

/** The inodes of the sockets that a process holds. */
function inodesOf(pid: number): readonly number[] {
  const table = readFileSync(`/proc/${pid}/net/tcp`, "utf8") + readFileSync(`/proc/${pid}/net/tcp6`, "utf8");
  return table.split("\n").map((line) => Number(line.trim().split(/\s+/)[9]));
}

/** The first value that is not undefined; fails after two seconds. */
async function eventually<T>(look: () => T | undefined): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const value = look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("nothing came within two seconds");
}
