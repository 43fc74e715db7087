/** A real recording: the kernel's events as netlink datagrams in a file of ours, beside the same events as conntrack prints them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCaptureWriter, readCapture } from "@conntrail/capture";
import {
  type ConntrackMessage,
  decodeConntrack,
  encodeConntrackDump,
  MessageCursor,
  NETLINK_FAMILY,
  NFNLGRP,
} from "@conntrail/netlink";
import { dump, type NetlinkSocket, openNetlinkSocket } from "@conntrail/netlink/socket";
import { expect } from "vitest";
import { mustRun } from "../lab/command.ts";
import { kernelTest, natLab, type Program } from "../lab/index.ts";

const GROUPS: readonly number[] = [NFNLGRP.conntrackNew, NFNLGRP.conntrackUpdate, NFNLGRP.conntrackDestroy];

kernelTest(
  "a recording of the kernel's events says the same as conntrack -E and -L, each read from its file",
  async () => {
    await using lab = await natLab();
    const { router, client, servers } = lab;
    const folder = await mkdtemp(join(tmpdir(), "conntrail-lab-"));
    const writer = await createCaptureWriter(join(folder, "lab.pcapng.gz"), { compress: true });
    const listen = { groups: GROUPS, namespacePath: router.path, receiveBufferBytes: 8 << 20 };
    const events = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, ...listen });
    const text = join(folder, "events.txt");
    const follower = router.spawn("sh", ["-c", `exec conntrack -E -b 8388608 -o id,timestamp,extended > ${text}`]);
    await listening(follower);
    const { address, port } = lab.virtual;
    const server = await servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const held = await client.start("tcp-client", { host: address, port, connections: 10, hold: true });
    // As fast as conntrack can follow: it loses events at full speed, whatever its buffer.
    const brief = await client.start("tcp-client", { host: address, port, connections: 200, rate: 200, parallel: 5 });
    await brief.exited;
    await held[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 300));
    takeEvents(events, (block, offset, length) => {
      const facts = {
        timeMs: Date.now(),
        netns: router.inode,
        family: events.family,
        outgoing: false,
        multicast: true,
      };
      writer.writeDatagram(facts, block, offset, length);
    });
    const table = openNetlinkSocket({ family: NETLINK_FAMILY.netfilter, namespacePath: router.path });
    dump(table, encodeConntrackDump(), (block, offset, length) => {
      const facts = {
        timeMs: Date.now(),
        netns: router.inode,
        family: table.family,
        outgoing: false,
        multicast: false,
      };
      writer.writeDatagram(facts, block, offset, length);
    });
    const listing = await router.conntrack("-o", "id,extended");
    await follower[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await writer.close();

    const recorded = await messagesOf(join(folder, "lab.pcapng.gz"));
    const printed = await messagesOf(text);
    const happened = recorded.filter((message) => message.kind !== "row").map(summary);
    expect(happened.length).toBeGreaterThan(210 * 3);
    // On a busy machine conntrack may lose some even so, and says it; what it did print must then be in the recording.
    const lossy = follower.stderr.includes("ENOBUFS");
    const known = new Set(happened);
    expect(printed.map(summary).filter((line) => !known.has(line))).toEqual([]);
    expect(lossy ? happened : printed.map(summary)).toEqual(happened);
    const listed = await messagesOf(lines([...listing, ""]));
    const rows = recorded.filter((message) => message.kind === "row").map(summary);
    expect(rows.toSorted()).toEqual(listed.map(summary).toSorted());
    await rm(folder, { recursive: true });
  },
);

kernelTest("a recording on a full disk is cut back to its last whole block", async () => {
  const folder = await mkdtemp(join(tmpdir(), "conntrail-full-"));
  await mustRun("mount", ["-t", "tmpfs", "-o", "size=128k", "none", folder]);
  try {
    const path = join(folder, "full.pcapng");
    const writer = await createCaptureWriter(path, { chunkBytes: 40_000 });
    const bytes = new Uint8Array(1000);
    new DataView(bytes.buffer).setUint32(0, bytes.length, true);
    for (let i = 0; i < 1000; i++) {
      writer.write({ kind: "netlink", timeMs: i, netns: 1, family: 12, outgoing: false, multicast: true, bytes });
    }
    await expect(writer.close()).rejects.toMatchObject({ op: "write", errno: "ENOSPC" });
    let packets = 0;
    for await (const item of readCapture(path)) if (item.kind === "packets") packets += item.count;
    expect(packets).toBeGreaterThan(50);
  } finally {
    await mustRun("umount", [folder]);
    await rm(folder, { recursive: true });
  }
});

/** Waits until conntrack listens with the buffer it was told to take: it says so, and would lose events before. */
async function listening(follower: Program): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (follower.stderr.includes("buffer size has been set")) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`conntrack -E did not start to listen: ${follower.stderr}`);
}

function takeEvents(socket: NetlinkSocket, take: (block: Uint8Array, offset: number, length: number) => void): void {
  for (let count = socket.receive(); count !== 0; count = socket.receive()) {
    if (count < 0) throw new Error("events were lost: the lab is too busy for the socket's buffer");
    for (let i = 0; i < count; i++) take(socket.block, socket.offsets[i]!, socket.lengths[i]!);
  }
  socket.close();
}

async function messagesOf(input: string | AsyncIterable<Uint8Array>): Promise<ConntrackMessage[]> {
  const messages: ConntrackMessage[] = [];
  for await (const item of readCapture(input)) {
    if (item.kind !== "packets") continue;
    for (let i = 0; i < item.count; i++) {
      const cursor = new MessageCursor(item.block).over(item.offsets[i]!, item.lengths[i]!);
      while (cursor.next()) messages.push(decodeConntrack(item.block, cursor.offset, cursor.end - cursor.offset));
    }
  }
  return messages;
}

async function* lines(text: readonly string[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text.join("\n"));
}

/** What both outputs tell of a flow; in the text, status is only what the flags and the tuples show. */
function summary({ kind, id, original, reply, protoInfo, status }: ConntrackMessage): string {
  const shown = status! & 0x36; // seen reply, assured, source and destination NAT
  return JSON.stringify([kind, id, original, reply, protoInfo?.state, shown]);
}
