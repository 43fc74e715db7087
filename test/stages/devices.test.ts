/** Sockets that only a device tells apart, and what a report says of devices and of the names of namespaces (F47). */
import type { Snapshot } from "@conntrail/model";
import { describe, expect, test } from "vitest";
import { batch, flow, HOST } from "./flow-fixture.ts";
import { connections, only, run, tick } from "./snapshot-view.ts";
import { namespace, owner, socket, table } from "./socket-fixture.ts";

const POD = HOST + 1;
const [red, blue, curl] = [owner(7, "red"), owner(8, "blue"), owner(12, "curl")];
const DEVICES = [
  { index: 2, name: "vrf-red" },
  { index: 3, name: "vrf-blue" },
];
const KNOWN = { namespaces: [{ ...namespace(HOST, "10.0.0.2"), devices: DEVICES, name: "shop" }] };
const SERVER = socket("10.0.0.2:80 > 10.0.0.1:40000");
const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");

/** `FROM%DEVICE → TO%DEVICE`, sorted. */
function ends(snapshot: Snapshot): string[] {
  const { columns, devices = [] } = snapshot;
  const named = (who: string, place: number): string => (place === 0 ? who : `${who}%${devices[place - 1]}`);
  return connections(snapshot)
    .map((row, i) => `${named(row.from, columns.fromDevice[i]!)} → ${named(row.to, columns.toDevice[i]!)}`)
    .sort();
}

describe("F47 a socket's device", () => {
  test("F47 is told at its end, of flows and of what only sockets show", () => {
    const [live, alone] = [
      [table(900, [SERVER.on(2).of(red)], KNOWN), batch(1000, [CALL]), tick(2000)],
      [table(900, [SERVER.on(2).of(red)], KNOWN), tick(2000)],
    ].map((inputs) => run(inputs)[0]!);
    expect(ends(live!)).toEqual(["not-local → red(7)%vrf-red"]);
    expect(ends(alone!)).toEqual(["not-local → red(7)%vrf-red"]);
  });

  test("F47 makes two connections of the same ends, which stay two from scan to scan", () => {
    const sockets = [SERVER.on(2).of(red), SERVER.on(3).of(blue)];
    const reports = run([table(900, sockets, KNOWN), tick(1000), table(1900, sockets, KNOWN), tick(2000)]);
    for (const report of reports) {
      expect(ends(report)).toEqual(["not-local → blue(8)%vrf-blue", "not-local → red(7)%vrf-red"]);
      expect(connections(report).map(({ state }) => state)).toEqual(["established", "established"]);
    }
    const [, gone] = run([table(900, sockets, KNOWN), tick(1000), table(1900, sockets.slice(1), KNOWN), tick(2000)]);
    expect(connections(gone!).map(({ to, state }) => `${to} ${state}`)).toEqual([
      "red(7) closed",
      "blue(8) established",
    ]);
  });

  test("F47 is not guessed: conntrack's flow is that of both, and a peer that could be either's is nobody's", () => {
    const denied = [SERVER.on(2).without("ambiguous"), SERVER.on(3).without("ambiguous")];
    const [flowed] = run([table(900, denied, KNOWN), batch(1000, [CALL]), tick(2000)]);
    expect(only(flowed!)).toMatchObject({ to: "ambiguous" });
    expect(ends(flowed!)).toEqual(["not-local → ambiguous"]);
    const client = socket("10.0.0.1:40000 > 10.0.0.2:80").in(POD).of(curl);
    const [alone] = run([table(900, [client, SERVER.on(2).of(red), SERVER.on(3).of(blue)], KNOWN), tick(2000)]);
    expect(ends(alone!)).not.toContain("curl(12) → red(7)%vrf-red");
    expect(ends(alone!)).not.toContain("curl(12) → blue(8)%vrf-blue");
  });
});

describe("F47 one entry for connections on two links, each of which has an entry at its other end", () => {
  const [left, right] = [HOST + 2, HOST + 3];
  const namespaces = [
    { ...namespace(HOST, "fe80::1"), devices: DEVICES },
    namespace(left, "fe80::2"),
    namespace(right, "fe80::2"),
  ];
  const call = flow("[fe80::2]:40000 > [fe80::1]:80").fromDump().beganUnseen();
  const accepted = socket("[fe80::1]:80 > [fe80::2]:40000").without("ambiguous");
  const calling = socket("[fe80::2]:40000 > [fe80::1]:80");
  const sockets = [accepted.on(2), accepted.on(3), calling.in(left).of(curl), calling.in(right).of(owner(13, "wget"))];
  const entries = [call, call.in(left), call.in(right)];

  test("F47 are two connections, with the process of each caller, to a server that is either", () => {
    for (const order of [entries, entries.toReversed()]) {
      const reports = run([table(900, sockets, { namespaces }), batch(1000, order), tick(2000), tick(3000)]);
      for (const report of reports) expect(ends(report)).toEqual(["curl(12) → ambiguous", "wget(13) → ambiguous"]);
    }
  });

  test("F47 stay so when the sockets are seen after the entries, and end each by itself", () => {
    const reports = run([
      batch(1000, entries),
      tick(1500),
      table(1600, sockets, { namespaces }),
      tick(2000),
      batch(2500, [call.in(left).state("timeWait").seen(1000, 2500)]),
      tick(3000),
      batch(
        3500,
        [call.in(right), call].map((each) => each.state("timeWait").seen(1000, 3500)),
      ),
      tick(4000),
      tick(5000),
    ]);
    const told = (report: Snapshot): string[] => connections(report).map(({ from, state }) => `${from} ${state}`);
    expect(reports.slice(1).map(told)).toEqual([
      ["curl(12) established", "wget(13) established"],
      ["curl(12) closed", "wget(13) established"],
      ["wget(13) closed"],
      [],
    ]);
  });

  test("F47 are told by the one entry when nobody else tells of both", () => {
    const [report] = run([table(900, sockets.slice(0, 2), { namespaces }), batch(1000, [call]), tick(2000)]);
    expect(connections(report!)).toHaveLength(1);
  });
});

test("a namespace that has a name is told with it", () => {
  const [report] = run([table(900, [], KNOWN), batch(1000, [CALL]), tick(2000)]);
  expect(report!.netnsNames).toEqual([{ netns: HOST, name: "shop" }]);
});
