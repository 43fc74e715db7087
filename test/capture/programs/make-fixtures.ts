/**
 * Makes test/fixtures/capture: what the kernel sends while a few connections come and go in a lab, recorded by our writer, and
 * turned into the classic formats by tshark. What tshark reads in it lies beside as JSON. Needs root and tshark.
 *
 *     npx tsx test/capture/programs/make-fixtures.ts
 */
import { writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { type CaptureWriter, createCaptureWriter } from "@conntrail/capture";
import { encodeConntrackDump, encodeInetDiagRequest, INET_DIAG, NETLINK_FAMILY, NFNLGRP } from "@conntrail/netlink";
import { dump, type NetlinkSocket, openNetlinkSocket } from "@conntrail/netlink/socket";
import { mustRun } from "../../lab/command.ts";
import { type LabNamespace, natLab } from "../../lab/index.ts";

const OUT: string = join(import.meta.dirname, "../../fixtures/capture");
const FILE = "lab.pcapng";

async function main(): Promise<void> {
  await using lab = await natLab();
  const writer = await createCaptureWriter(join(OUT, FILE), {
    section: { operatingSystem: `Linux ${release()}` },
    interfaces: [{ netns: lab.router.inode, family: NETLINK_FAMILY.netfilter }],
  });
  const { router, client, servers } = lab;
  const events = openNetlinkSocket({
    family: NETLINK_FAMILY.netfilter,
    groups: [NFNLGRP.conntrackNew, NFNLGRP.conntrackUpdate, NFNLGRP.conntrackDestroy],
    namespacePath: router.path,
  });
  const host = { id: "lab", name: "lab", localNetworks: [], kernelVersion: release(), uptimeSeconds: 1 };
  writer.write({ kind: "host", timeMs: Date.now(), host });
  const server = await servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
  const { address, port } = lab.virtual;
  await client.start("tcp-client", { host: address, port, connections: 3, hold: true });
  await client.start("tcp-client", { host: address, port, connections: 2 });
  await client.start("port-scan", { host: lab.real[0]!.address, from: 1, count: 2 });
  await router.tryExec("conntrack", ["-D", "-p", "udp"]);
  await takeEvents(writer, events, router);
  takeDump(writer, router, NETLINK_FAMILY.netfilter, encodeConntrackDump(), 0, 0);
  for (const family of [2, 10]) {
    const request = encodeInetDiagRequest({ family, protocol: 6, extensions: [INET_DIAG.info] });
    takeDump(writer, servers[0]!, NETLINK_FAMILY.sockDiag, request, family, 6);
  }
  events.close();
  await server[Symbol.asyncDispose]();
  await writer.close();
  await convert();
}

async function takeEvents(writer: CaptureWriter, socket: NetlinkSocket, namespace: LabNamespace): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  const facts = { netns: namespace.inode, family: socket.family, outgoing: false, multicast: true };
  for (let count = socket.receive(); count > 0; count = socket.receive()) {
    for (let i = 0; i < count; i++) {
      writer.writeDatagram({ ...facts, timeMs: Date.now() }, socket.block, socket.offsets[i]!, socket.lengths[i]!);
    }
  }
}

function takeDump(
  writer: CaptureWriter,
  namespace: LabNamespace,
  family: number,
  request: Uint8Array,
  addressFamily: number,
  protocol: number,
): void {
  const socket = openNetlinkSocket({ family, namespacePath: namespace.path });
  const netns = namespace.inode;
  const common = { kind: "dump", netns, family, addressFamily, protocol, tellClosed: false } as const;
  writer.write({ ...common, timeMs: Date.now(), phase: "begin", interrupted: false, error: null });
  writer.write({
    kind: "netlink",
    timeMs: Date.now(),
    netns,
    family,
    outgoing: true,
    multicast: false,
    bytes: request,
  });
  const facts = { netns, family, outgoing: false, multicast: false };
  const result = dump(socket, request, (block, offset, length) => {
    writer.writeDatagram({ ...facts, timeMs: Date.now() }, block, offset, length);
  });
  const error = result.error ?? null;
  writer.write({ ...common, timeMs: Date.now(), phase: "end", interrupted: result.interrupted, error });
  socket.close();
}

async function convert(): Promise<void> {
  for (const [format, name] of [
    ["pcap", "lab.pcap"],
    ["nsecpcap", "lab-ns.pcap"],
  ] as const) {
    await mustRun("tshark", ["-r", join(OUT, FILE), "-Y", "netlink", "-F", format, "-w", join(OUT, name)]);
  }
  const fields = [
    "frame.time_epoch",
    "netlink.family",
    "netlink.hdr_type",
    "netlink.hdr_flags",
    "netlink.hdr_len",
    "frame.interface_name",
  ];
  const read = ["-r", join(OUT, FILE), "-Y", "netlink", "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const rows = (await mustRun("tshark", read)).split("\n").filter((line) => line !== "");
  const about = {
    command: "npx tsx test/capture/programs/make-fixtures.ts; tshark -Y netlink -F pcap, -F nsecpcap",
    kernel: `Linux ${release()}`,
    tool: (await mustRun("tshark", ["--version"])).split("\n", 1)[0],
    date: "2026-11-22",
    fields,
    packets: rows.map((row) => row.split("\t")),
  };
  await writeFile(join(OUT, "lab.json"), `${JSON.stringify(about, null, 1)}\n`);
}

await main();
