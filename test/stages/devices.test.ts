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

test("a namespace that has a name is told with it", () => {
  const [report] = run([table(900, [], KNOWN), batch(1000, [CALL]), tick(2000)]);
  expect(report!.netnsNames).toEqual([{ netns: HOST, name: "shop" }]);
});
