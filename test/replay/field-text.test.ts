/** Lines and messages from listings and logs of the field (F55, F65, F70): what each of them shows, and what it does not. */
import { encodeConntrack } from "@conntrail/netlink";
import type { ReportJson } from "@conntrail/report";
import { encodeJson } from "@conntrail/report";
import { replayReports } from "@conntrail/reporter";
import { describe, expect, test } from "vitest";
import { linked, pcap } from "../capture/build-capture.ts";

type Connection = ReportJson["connections"][number];

/** The connections of one report of the whole. */
async function connectionsOf(input: string | Uint8Array): Promise<readonly Connection[]> {
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  const chunks = (async function* () {
    yield bytes;
  })();
  const found: Connection[] = [];
  for await (const report of replayReports(chunks, { reports: "end" })) {
    found.push(...(JSON.parse(Buffer.from(encodeJson(report)).toString()) as ReportJson).connections);
  }
  return found;
}

/** `client port > server port, state, evidence`. */
async function rowsOf(input: string | Uint8Array): Promise<string[]> {
  const connections = await connectionsOf(input);
  return connections.map(
    ({ from, to, state, direction }) => `${from.port} > ${to.port} ${state} ${direction.evidence}`,
  );
}

/** A flow of 192.0.2.1 and .2 in conntrack's words; `flags` stand between its tuples. */
function flow(client: number, server: number, flags = ""): string {
  const between = flags === "" ? "" : `${flags} `;
  return `src=192.0.2.1 dst=192.0.2.2 sport=${client} dport=${server} ${between}src=192.0.2.2 dst=192.0.2.1 sport=${server} dport=${client}`;
}

test("F65 a log that holds nothing but the ends tells each of them, whatever state it ended in", async () => {
  const ends = ["TIME_WAIT ", "ESTABLISHED ", "", "CLOSE "].map(
    (state, i) => `[DESTROY] tcp      6 ${state}${flow(40014 + i, 8080)} [ASSURED] delta-time=120\n`,
  );
  expect(await rowsOf(ends.join(""))).toEqual([0, 1, 2, 3].map((i) => `${40014 + i} > 8080 closed conntrack`));
});

test("F65 a closing that the log told before its end is told once", async () => {
  const closing = ` [UPDATE] tcp      6 120 TIME_WAIT ${flow(40014, 8080)} [ASSURED]\n`;
  expect(await rowsOf(`${closing}[DESTROY] tcp      6 TIME_WAIT ${flow(40014, 8080)} [ASSURED]\n`)).toEqual([
    "40014 > 8080 closed conntrack",
  ]);
});

test("F55 an offloaded flow is established: a flowtable, which takes no others, stands in for its protocol's state", async () => {
  const rows = [
    `tcp      6 ${flow(40000, 5201)} [OFFLOAD] mark=0 use=2`,
    `tcp      6 ${flow(40001, 5201)} [HW_OFFLOAD] mark=0 use=2`,
    `ipv4     2 tcp      6 ${flow(40002, 5201)} [OFFLOAD] mark=0 zone=0 use=2`,
  ];
  const listed = await connectionsOf(`${rows.join("\n")}\n`);
  expect(listed.map(({ state, flags }) => [state, flags])).toEqual(Array(3).fill(["established", ["offloaded"]]));
  const events = `    [NEW] tcp      6 120 SYN_SENT ${flow(1025, 80, "[UNREPLIED]")}\n [UPDATE] tcp      6 ${flow(1025, 80)} [OFFLOAD]\n`;
  expect(await connectionsOf(events)).toMatchObject([{ state: "established", flags: ["offloaded"] }]);
});

test("F55 the same by the kernel's message, which has no CTA_PROTOINFO; UDP keeps its own state", async () => {
  const message = (number: number, status: number): Uint8Array =>
    encodeConntrack({
      kind: "row",
      family: 2,
      status,
      original: tuple(1, 2, { kind: "ports", number, sourcePort: 40000, destinationPort: 5201 }),
      reply: tuple(2, 1, { kind: "ports", number, sourcePort: 5201, destinationPort: 40000 }),
    });
  const [tcp, udp] = [message(6, 0x400e), message(17, 0x4008)];
  const packets = [tcp, udp].map((bytes) => ({ time: [1, 0] as const, bytes: linked(12, bytes) }));
  const connections = await connectionsOf(pcap(true, 0xa1b2c3d4, packets));
  expect(connections.map(({ protocol, state }) => [protocol, state]).toSorted()).toEqual([
    ["tcp", "established"],
    ["udp", "unreplied"],
  ]);
});

function tuple<T>(source: number, destination: number, proto: T) {
  return { source: Uint8Array.of(192, 0, 2, source), destination: Uint8Array.of(192, 0, 2, destination), proto };
}

describe("F65 a flow that was picked up in mid-stream is no evidence of direction, wherever it is first seen", () => {
  test.each([
    ["in a listing", `tcp      6 367755 ESTABLISHED ${flow(3306, 40006, "[UNREPLIED]")} mark=0 use=1`, "established"],
    ["by an update", ` [UPDATE] tcp      6 120 FIN_WAIT ${flow(3306, 40006, "[UNREPLIED]")}`, "closing"],
    ["when it begins", `    [NEW] tcp      6 300 ESTABLISHED ${flow(3306, 40006, "[UNREPLIED]")}`, "unreplied"],
    ["by its end", `[DESTROY] tcp      6 ESTABLISHED ${flow(3306, 40006, "[UNREPLIED]")}`, "closed"],
  ])("%s", async (_where, line, state) => {
    expect(await rowsOf(`${line}\n`)).toEqual([`40006 > 3306 ${state} ephemeral-port`]);
  });

  test("but a handshake that waits for its answer, and one that was refused, are", async () => {
    const waiting = `    [NEW] tcp      6 120 SYN_SENT ${flow(3306, 40006, "[UNREPLIED]")}\n`;
    const listed = `tcp      6 100 SYN_SENT ${flow(3307, 40007, "[UNREPLIED]")} use=1\n`;
    expect((await rowsOf(listed + waiting)).toSorted()).toEqual([
      "3306 > 40006 unreplied conntrack",
      "3307 > 40007 unreplied conntrack",
    ]);
  });
});

test("F65 a flow that was put into the table, as its first event shows, is established and older than that event", async () => {
  expect(await rowsOf(`    [NEW] tcp      6 432000 ESTABLISHED ${flow(40000, 443)} [ASSURED]\n`)).toEqual([
    "40000 > 443 established conntrack",
  ]);
});

test("F65 a flow that ended behind a listing and is used again is told twice: once ended, once alive", async () => {
  const udp = flow(5353, 54);
  const text = `tcp      6 431999 ESTABLISHED ${flow(40000, 443)} [ASSURED] mark=0 use=1\n[DESTROY] udp      17 ${udp}\n [UPDATE] udp      17 120 ${udp} [ASSURED]\n`;
  expect((await rowsOf(text)).toSorted()).toEqual([
    "40000 > 443 established conntrack",
    "5353 > 54 closed conntrack",
    "5353 > 54 established conntrack",
  ]);
});

test("F65 what a line cut at its start or its end might have said is not told", async () => {
  const rest = `6 46 TIME_WAIT ${flow(40007, 54)} [ASSURED] mark=0 use=1\n`;
  const whole = `tcp      6 56 ESTABLISHED ${flow(40003, 54)} [ASSURED] mark=0 use=1\n`;
  const cut = `udp      17 29 ${flow(5353, 54).slice(0, -2)}`;
  expect(await rowsOf(rest + whole + cut)).toEqual(["40003 > 54 established conntrack"]);
});
