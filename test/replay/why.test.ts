/**
 * `conntrail why` over recordings: thirty answers as people read them (why.golden.txt), and the same as data. Every row of the recordings has an answer,
 * and what it says of the row is what the row says.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ConnectionJson } from "@conntrail/report";
import { type AskedEnd, type Explanation, explainRecording, parseAskedEnd, replayReports } from "@conntrail/reporter";
import { afterAll, expect, test } from "vitest";
import { runConntrail } from "../lab/index.ts";
import { lastReport, RecentInputs, replayTapped, whyText } from "./why-parts.ts";

const SAMPLES = fileURLToPath(new URL("../../samples/", import.meta.url));
/** Sixty replays, and programs to start, on a machine that is busy with other tests. */
const BUSY_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), "conntrail-why-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SHOP = `${SAMPLES}shop.pcapng`;

test("thirty answers, as people read them", { timeout: BUSY_MS }, async () => {
  const texts: string[] = [];
  const tell = async (title: string, path: string, from: string, to?: string): Promise<void> => {
    const asked = { from: parseAskedEnd(from)!, ...(to !== undefined && { to: parseAskedEnd(to)! }), limit: 1 };
    texts.push(
      `# ${title}: why ${from}${to === undefined ? "" : ` ${to}`}\n\n${whyText(await explainRecording(path, asked), {})}`,
    );
  };
  for (const [title, ...ends] of QUESTIONS) await tell(title, WAYS, ...ends);
  const shop = await rowsOf(SHOP);
  for (const at of [0, 2, 4, 6, 8]) await tell("shop", SHOP, place(shop[at]!.from), place(shop[at]!.to));
  for (const row of (await rowsOf(`${SAMPLES}port-scan.pcapng`)).slice(0, 2)) {
    await tell("port scan", `${SAMPLES}port-scan.pcapng`, place(row.from), place(row.to));
  }
  for (const [title, text] of Object.entries(LISTINGS)) {
    const path = join(folder, "listing.txt");
    writeFileSync(path, text);
    await tell(title, path, "10.0.0.1");
  }
  expect(texts).toHaveLength(30);
  await expect(texts.join("\n\n")).toMatchFileSnapshot("why.golden.txt");
});

test("every row has an answer whose deciding facts say what the row says", { timeout: BUSY_MS }, async () => {
  for (const row of await rowsOf(SHOP)) {
    const { explanations } = await explainRecording(SHOP, { from: end(row.from), to: end(row.to), limit: 1 });
    const [found] = explanations;
    expect(found, place(row.from)).toBeDefined();
    for (const side of ["from", "to"] as const) {
      const decided = claims(found!, `${side}.process`).filter(({ verdict }) => verdict === "decided");
      const blank = found!.blanks.some(({ about }) => about === `${side}.process`);
      expect({ side, known: decided.length > 0, blank }, place(row.from)).toEqual({
        side,
        known: found!.connection[side].pid !== null,
        blank: found!.connection[side].pid === null,
      });
    }
    if (found!.connection.direction.evidence === "conntrack") {
      expect(claims(found!, "direction").map(({ verdict }) => verdict)).toContain("decided");
    }
    if (found!.connection.nat !== null)
      expect(claims(found!, "nat").map(({ verdict }) => verdict)).toContain("decided");
  }
});

test("what a running reporter keeps tells the same facts as a recording, and since when they are there", {
  timeout: BUSY_MS,
}, async () => {
  const health = (await lastReport(SHOP)).toJSON().health;
  const kept = { all: new RecentInputs(64 << 20), some: new RecentInputs(30_000), none: new RecentInputs(0) };
  const take = (input: never): void => {
    for (const each of Object.values(kept)) each.take(input);
  };
  await replayTapped(SHOP, {}, { flows: take, sockets: take, trace: take, names: () => undefined });
  const clock = { nowMs: Date.parse("2030-01-01"), wallAheadMs: 0 };
  const names = { get: () => ["a.name"] };
  let [whole, part] = [0, 0];
  for (const row of await rowsOf(SHOP)) {
    const { explanations } = await explainRecording(SHOP, { from: { id: row.id } });
    const told = explanations[0]!.facts.filter(({ source }) => source !== "name");
    const [all, some, none] = Object.values(kept).map((each) => each.explain(row, health, names, clock));
    expect(all!.since).toBe(null);
    expect(all!.facts.filter(({ source }) => source !== "name")).toEqual(told);
    expect(all!.facts.at(-1)).toMatchObject({ source: "name", time: "2030-01-01T00:00:00.000Z" });
    expect(some!.since).not.toBe(null);
    expect(some!.blanks.some(({ about }) => about === "facts")).toBe(row.firstSeen! <= some!.since!);
    expect(none!.facts.every(({ source }) => source === "name")).toBe(true);
    expect(none!.blanks[0]).toMatchObject({ about: "facts", help: expect.stringContaining("conntrail record") });
    whole += told.length;
    part += some!.facts.filter(({ source }) => source !== "name").length;
  }
  expect(part).toBeGreaterThan(0);
  expect(part).toBeLessThan(whole);
});

test.each([
  ["10.0.0.1", { address: "10.0.0.1" }],
  ["10.0.0.1:80", { address: "10.0.0.1", port: 80 }],
  ["[fd00::1]:80", { address: "fd00::1", port: 80 }],
  ["fd00::1", { address: "fd00::1" }],
  [":5432", { port: 5432 }],
  ["curl", { name: "curl" }],
  ["shop.example:443", { name: "shop.example", port: 443 }],
  ["pid:4711", { pid: 4711 }],
  ["4711", { pid: 4711 }],
  ["id:42", { id: 42 }],
  ["10.0.0.1:99999", undefined],
  ["[curl]:80", undefined],
  ["two words", undefined],
  ["", undefined],
] as const)("the end %j", (text, asked) => {
  expect(parseAskedEnd(text)).toEqual(asked);
});

test("the command answers in text and in JSON, and says what to do where nothing fits", {
  timeout: BUSY_MS,
}, async () => {
  const text = await runConntrail(undefined, ["why", "app", "database", "--replay", SHOP]);
  expect(text).toMatchObject({ code: 0, stderr: "" });
  expect(text.stdout).toContain("decided direction: conntrack keeps who opened it");
  const json = await runConntrail(undefined, [
    "why",
    "app",
    "database",
    "--replay",
    SHOP,
    "--format",
    "json",
    "--limit",
    "1",
  ]);
  const answer = JSON.parse(json.stdout) as { schema: string; found: number; explanations: Explanation[] };
  expect(answer).toMatchObject({ schema: "conntrail.why/1", found: 2 });
  expect(answer.explanations).toHaveLength(1);
  expect(answer.explanations[0]!.facts[0]).toMatchObject({ netns: expect.any(Number), netnsName: "ct-1-1-app-2" });
  const row = async (path: string, from: string): Promise<object> =>
    (await explainRecording(path, { from: parseAskedEnd(from)!, limit: 1 })).explanations[0]!;
  expect(await row(WAYS, ":9000")).toMatchObject({ outcome: "refused" });
  expect(await row(WAYS, ":9001")).not.toHaveProperty("outcome");
  expect(await row(WAYS, "browser")).toMatchObject({ notes: [expect.stringContaining("intercepted")] });
  const [{ connection }] = answer.explanations as [Explanation];
  const one = await runConntrail(undefined, ["why", `id:${connection.id}`, "--replay", SHOP, "--format", "json"]);
  expect(JSON.parse(one.stdout)).toMatchObject({ found: 1, explanations: [{ connection, since: null }] });
  const refused = await runConntrail(undefined, ["why", "id:42"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(
    "a row's number is of one run: ask with --replay FILE, where you see it (Enter in conntrail top, a click on the page), or /api/why?id= of conntrail serve",
  );
  const none = await runConntrail(undefined, ["why", "nobody", "--replay", SHOP]);
  expect(none).toMatchObject({ code: 1, stdout: "" });
  expect(none.stderr).toContain("no connection of these ends");
});

/** Each connection of a recording in its last form, in the order of the file. */
async function rowsOf(path: string): Promise<ConnectionJson[]> {
  const rows = new Map<string, ConnectionJson>();
  for await (const report of replayReports(path)) {
    for (const row of report.toJSON().connections) rows.set(`${place(row.from)} ${place(row.to)}`, row);
  }
  return [...rows.values()];
}

function place({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function end({ address, port }: { readonly address: string; readonly port: number }): AskedEnd {
  return { address, port };
}

function claims({ facts }: Explanation, about: string) {
  return facts.flatMap((fact) => fact.claims.filter((claim) => claim.about === about));
}

/** Ways that connections take on real hosts (test/record/programs/record-ways.ts), and who asks about them. */
const WAYS = fileURLToPath(new URL("recordings/ways.pcapng.gz", import.meta.url));
const QUESTIONS: readonly (readonly [string, string, string?])[] = [
  ["in mid-stream, equal ports, the server spoke first", ":7070"],
  ["destination and source translated, through three namespaces", "curl"],
  ["hairpin", "worker"],
  ["sidecar, the leg to it", "shop"],
  ["sidecar, the leg from it", "envoy", "10.3.0.2:8080"],
  ["TPROXY", "browser"],
  ["redirect", "reader"],
  ["FTP, control", ":2121"],
  ["FTP, data", ":5021"],
  ["refused", ":9000"],
  ["dropped", ":9001"],
  ["refused by a rule, with an ICMP error", ":9002"],
  ["a datagram to nobody, an ICMP error", ":9003"],
  ["a server bound after the first scan", ":7071"],
  ["GRE of PPTP", ":42"],
];

/** Listings as `conntrack -E -o timestamp` and `conntrack -L` print them: facts that no sample has. */
const LISTINGS: Readonly<Record<string, string>> = {
  "never answered": `[1769860800.100000]     [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.9 sport=40000 dport=443 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=443 dport=40000
[1769860830.100000] [DESTROY] tcp      6 SYN_SENT src=10.0.0.1 dst=10.0.0.9 sport=40000 dport=443 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=443 dport=40000
`,
  "an end alone": `[1769860800.100000] [DESTROY] tcp      6 src=10.0.0.1 dst=10.0.0.9 sport=40001 dport=443 src=10.0.0.9 dst=10.0.0.1 sport=443 dport=40001 [ASSURED]
`,
  "a listing": `tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.9 sport=40002 dport=443 src=10.0.0.9 dst=10.0.0.1 sport=443 dport=40002 [ASSURED] mark=0 use=1
`,
  "source NAT": `[1769860800.100000]     [NEW] udp      17 30 src=10.0.0.1 dst=192.0.2.9 sport=5000 dport=53 [UNREPLIED] src=192.0.2.9 dst=192.0.2.1 sport=53 dport=5000
[1769860800.200000]  [UPDATE] udp      17 30 src=10.0.0.1 dst=192.0.2.9 sport=5000 dport=53 src=192.0.2.9 dst=192.0.2.1 sport=53 dport=5000
`,
  "both translated": `[1769860800.100000]     [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.9.0.1 sport=40003 dport=80 [UNREPLIED] src=10.2.0.2 dst=10.2.0.1 sport=8080 dport=50000
[1769860800.200000]  [UPDATE] tcp      6 432000 ESTABLISHED src=10.0.0.1 dst=10.9.0.1 sport=40003 dport=80 src=10.2.0.2 dst=10.2.0.1 sport=8080 dport=50000 [ASSURED]
`,
  refused: `[1769860800.100000]     [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.9 sport=40004 dport=81 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=81 dport=40004
[1769860800.100100]  [UPDATE] tcp      6 10 CLOSE src=10.0.0.1 dst=10.0.0.9 sport=40004 dport=81 src=10.0.0.9 dst=10.0.0.1 sport=81 dport=40004
`,
  ping: `[1769860800.100000]     [NEW] icmp     1 30 src=10.0.0.1 dst=10.0.0.9 type=8 code=0 id=77 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 type=0 code=0 id=77
`,
  "counted bytes": `[1769860800.100000] [DESTROY] tcp      6 src=10.0.0.1 dst=10.0.0.9 sport=40005 dport=443 packets=6 bytes=812 src=10.0.0.9 dst=10.0.0.1 sport=443 dport=40005 packets=5 bytes=4242 [ASSURED]
`,
};
