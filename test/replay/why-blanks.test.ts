/** What `conntrail why` says where a row says nothing: each kind as people read it (why-blanks.golden.txt). */
import { fileURLToPath } from "node:url";
import type { SocketTable } from "@conntrail/model";
import type { ConnectionJson, HealthJson } from "@conntrail/report";
import { expect, test } from "vitest";
import { lastReport, RecentInputs, replayTapped, whyText } from "./why-parts.ts";

const SHOP = fileURLToPath(new URL("../../samples/shop.pcapng", import.meta.url));
/** Replays on a machine that is busy with other tests. */
const BUSY_MS = 180_000;

test("what eighteen kinds of blanks say: each has what was looked for, and what to do", {
  timeout: BUSY_MS,
}, async () => {
  const shop = await lastReport(SHOP);
  const { health, connections } = shop.toJSON();
  const row = connections.find(({ protocol, nat }) => protocol === "tcp" && nat === null)!;
  const kept = new RecentInputs(64 << 20);
  await replayTapped(SHOP, {}, { flows: take, sockets: take, trace: take, names: () => undefined });
  function take(input: never): void {
    kept.take(input);
  }
  const clock = { nowMs: Date.parse("2030-01-01"), wallAheadMs: 0 };
  const texts = Object.entries(BLANKS).map(([title, [about, change, ill]]) => {
    const explained = kept.explain(change(row), { ...health, ...ill(health) }, { get: () => undefined }, clock);
    const blank = explained.blanks.find((each) => each.about === about)!;
    expect(blank, title).toMatchObject({ text: expect.any(String), help: expect.any(String) });
    return `# ${title}\n\n${whyText({ explanations: [{ ...explained, facts: [], blanks: [blank] }], found: 1 }, {})}`;
  });
  expect(texts.length).toBe(18);
  await expect(texts.join("\n\n")).toMatchFileSnapshot("why-blanks.golden.txt");
});

test("where sockets of several programs fit an end, all of them are named", { timeout: BUSY_MS }, async () => {
  const { health, connections } = (await lastReport(SHOP)).toJSON();
  const row = connections.find(({ from }) => from.process === "app")!;
  const kept = new RecentInputs(64 << 20);
  await replayTapped(
    SHOP,
    {},
    { flows: () => undefined, sockets: take, trace: () => undefined, names: () => undefined },
  );
  function take(table: SocketTable): void {
    kept.take(table as never);
    kept.take({ ...table, owners: table.owners.map((owner) => ({ ...owner, process: "twin" })) } as never);
  }
  const clock = { nowMs: Date.parse("2030-01-01"), wallAheadMs: 0 };
  const { blanks } = kept.explain(nobody("ambiguous")(row), health, { get: () => undefined }, clock);
  expect(blanks.find(({ about }) => about === "to.process")!.text).toMatch(
    /\(database \(pid \d+\), twin \(pid \d+\)\)/,
  );
});

type Row = ConnectionJson;
type Ill = (health: HealthJson) => Partial<HealthJson>;
const well: Ill = () => ({});
const untraced: Ill = ({ trace }) => ({ trace: { ...trace, state: "off", reason: "not-permitted" } });
const nobody = (ownerReason: Row["to"]["ownerReason"]) => (row: Row) => ({
  ...row,
  to: { ...row.to, pid: null, process: null, ownerReason, ownerEvidence: null },
});
const PING = {
  protocol: "icmpv6",
  state: "unreplied",
  from: { address: "fd00::1", port: 7 },
  to: { address: "fd00::9", port: 128 << 8 },
} as const;
const BLANKS: Readonly<Record<string, readonly [string, (row: Row) => Row, Ill]>> = {
  "not on this host": ["to.process", nobody("not-local"), well],
  "gone before a scan, traced": ["to.process", nobody("no-socket"), well],
  "gone before a scan, not traced": ["to.process", nobody("no-socket"), untraced],
  "a socket without a process": ["to.process", nobody("no-process"), well],
  "a process that may not be inspected": ["to.process", nobody("permission"), well],
  "several sockets fit": ["to.process", nobody("ambiguous"), well],
  "switched off": ["to.process", nobody("off"), well],
  "sockets could not be read": [
    "to.process",
    nobody("unavailable"),
    ({ sockets }) => ({ sockets: { ...sockets, state: "off", reason: "no-proc", advice: null } }),
  ],
  "no direction": [
    "direction",
    (row) => ({ ...row, to: { ...row.to, port: 50_000 }, direction: { evidence: "none", confidence: "none" } }),
    well,
  ],
  "no answer": ["state", (row) => ({ ...row, state: "unreplied" }), well],
  "no answer, and nobody listens": [
    "state",
    (row) => ({ ...row, state: "unreplied", to: { ...row.to, port: 5433 } }),
    well,
  ],
  "no answer from elsewhere": [
    "state",
    (row) => ({ ...row, state: "unreplied", to: { ...row.to, address: "192.0.2.1", local: false } }),
    well,
  ],
  "failed, and how is not kept": ["state", (row) => ({ ...row, state: "failed", to: { ...row.to, port: 5433 } }), well],
  "a ping over IPv6": [
    "state",
    (row) => ({ ...row, ...PING, from: { ...row.from, ...PING.from }, to: { ...row.to, ...PING.to } }),
    well,
  ],
  "direction by the ports alone": [
    "direction",
    (row) => ({ ...row, direction: { evidence: "ephemeral-port", confidence: "likely" } }),
    well,
  ],
  "no name": ["to.names", (row) => ({ ...row, to: { ...row.to, names: [] } }), well],
  "not in conntrack": [
    "nat",
    (row) => ({ ...row, sources: ["sockets"], direction: { evidence: "listener", confidence: "certain" } }),
    ({ conntrack }) => ({ conntrack: { ...conntrack, state: "degraded", reason: "no-rule", advice: null } }),
  ],
  "not counted": ["counters", (row) => row, well],
};
