/** Connections that a process on this host passes on: two legs, and the process between them (F70). */
import type { Snapshot } from "@conntrail/model";
import { describe, expect, test } from "vitest";
import { batch, flow, HOST } from "./flow-fixture.ts";
import { connections, run, tick } from "./snapshot-view.ts";
import { namespace, owner, socket, table } from "./socket-fixture.ts";

const [app, envoy, other] = [owner(12, "app"), owner(7, "envoy"), owner(9, "other")];
const namespaces = [namespace(HOST, "10.0.0.1")];
/** The application's connection to 10.9.9.9:80, turned to the sidecar's port 15001. */
const FIRST = flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.0.0.1:15001");
const FIRST_SOCKETS = [
  socket("10.0.0.1:40000 > 10.9.9.9:80").of(app),
  socket("10.0.0.1:15001 > 10.0.0.1:40000").of(envoy),
];
const SECOND = flow("10.0.0.1:50000 > 10.9.9.9:80");

/** `FROM → TO via WHO`, sorted. */
function legs(snapshot: Snapshot): string[] {
  const { columns, owners } = snapshot;
  return connections(snapshot)
    .map(
      ({ from, to }, i) => `${from} → ${to} via ${columns.via[i] === 0 ? "-" : owners[columns.via[i]! - 1]!.process}`,
    )
    .sort();
}

describe("F70 a sidecar", () => {
  test("F70 is named by both legs: what it took, and what it opened to the address that was called", () => {
    const sockets = [...FIRST_SOCKETS, socket("10.0.0.1:50000 > 10.9.9.9:80").of(envoy)];
    const [report] = run([table(900, sockets, { namespaces }), batch(1000, [FIRST, SECOND]), tick(2000)]);
    expect(legs(report!)).toEqual(["app(12) → envoy(7) via envoy", "envoy(7) → not-local via envoy"]);
  });

  test("F70 is none where another process calls that address, or the same process another one", () => {
    const elsewhere = flow("10.0.0.1:50001 > 10.9.9.9:443");
    const sockets = [
      ...FIRST_SOCKETS,
      socket("10.0.0.1:50000 > 10.9.9.9:80").of(other),
      socket("10.0.0.1:50001 > 10.9.9.9:443").of(envoy),
    ];
    const [report] = run([table(900, sockets, { namespaces }), batch(1000, [FIRST, SECOND, elsewhere]), tick(2000)]);
    for (const leg of legs(report!)) expect(leg).toMatch(/via -$/);
  });

  test("F70 by a rule for packets (TPROXY) is one too: its socket has the address that was called", () => {
    const ruled = [{ ...namespace(HOST, "10.0.0.1"), localRoutes: [{ network: "0.0.0.0/0", forAll: false }] }];
    const sockets = [
      socket("10.9.9.9:80 > 10.0.5.5:40000").of(envoy),
      socket("10.0.0.1:50000 > 10.9.9.9:80").of(envoy),
    ];
    const flows = [flow("10.0.5.5:40000 > 10.9.9.9:80"), SECOND];
    const [report] = run([table(900, sockets, { namespaces: ruled }), batch(1000, flows), tick(2000)]);
    expect(legs(report!)).toEqual(["envoy(7) → no-socket via envoy", "not-local → envoy(7) via envoy"]);
  });
});
