/** Which ends are on this host. */
import { describe, expect, test } from "vitest";
import { batch, flow, HOST } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { listener, namespace, owner, socket, table } from "./socket-fixture.ts";

const POD = HOST + 1;
const nginx = owner(7, "nginx");

describe("F35 a flow without a local end", () => {
  const CALL = flow("10.0.0.1:40000 > 192.0.2.1:80");

  test("F35 is in transit", () => {
    const [report] = run([
      table(900, [], { namespaces: [namespace(HOST, "10.0.0.254")] }),
      batch(1000, [CALL]),
      tick(2000),
    ]);
    expect(only(report!)).toMatchObject({ flags: ["transit"], from: "not-local", to: "not-local" });
  });

  test("F35 that had one until the host's address changed is marked from then on", () => {
    const reports = run([
      table(900, [], { namespaces: [namespace(HOST, "10.0.0.1")] }),
      batch(1000, [CALL]),
      tick(1100),
      table(2000, [], { namespaces: [namespace(HOST, "10.0.0.77")] }),
      tick(2100),
    ]);
    expect(reports.map((report) => only(report).flags)).toEqual([["fromLocal"], ["transit"]]);
  });

  test("F35 is not said to be in transit while nobody knows the addresses", () => {
    const [unknown] = run([batch(1000, [CALL]), tick(2000)]);
    expect(only(unknown!).flags).toEqual([]);
    const [other] = run([
      table(900, [], { namespaces: [namespace(POD, "10.5.5.5")] }),
      batch(1000, [CALL]),
      tick(2000),
    ]);
    expect(only(other!).flags).toEqual([]);
  });
});

describe("an end is on this host", () => {
  test("when any known namespace has its address", () => {
    const [report] = run([
      table(900, [], { namespaces: [namespace(HOST, "10.0.0.254"), namespace(POD, "10.244.0.5")] }),
      batch(1000, [flow("10.244.0.5:40000 > 192.0.2.1:80"), flow("192.0.2.1:40000 > 10.0.0.254:22")]),
      tick(2000),
    ]);
    expect(connections(report!).map((row) => row.flags)).toEqual([["fromLocal"], ["toLocal", "toOwnNamespace"]]);
  });

  test("when it is loopback, IPv4 or IPv6, whether addresses are known or not", () => {
    const [report] = run([
      batch(1000, [flow("127.0.0.1:40000 > 127.8.9.10:80"), flow("[::1]:40000 > [::1]:80")]),
      tick(2000),
    ]);
    for (const row of connections(report!)) expect(row.flags).toEqual(["fromLocal", "toLocal", "toOwnNamespace"]);
  });

  test("after translation: the real server counts, not the address that the client used", () => {
    const [report] = run([
      table(900, [], { namespaces: [namespace(HOST, "10.9.9.9", "10.0.0.1")] }),
      batch(1000, [flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("192.0.2.1:80")]),
      tick(2000),
    ]);
    expect(only(report!).flags).toEqual(["fromLocal"]);
  });
});

test("F38 loopback traffic of two containers is two connections, each inside its own", () => {
  const sides = ["127.0.0.1:40000 > 127.0.0.1:80", "127.0.0.1:80 > 127.0.0.1:40000"].map((text) => socket(text));
  const app = owner(100, "app");
  const sidecar = owner(200, "sidecar");
  const loop = flow("127.0.0.1:40000 > 127.0.0.1:80");
  const [report] = run([
    batch(1000, [loop.in(HOST), loop.in(POD)]),
    table(1100, [
      sides[0]!.in(HOST).of(app),
      sides[1]!.in(HOST).of(app),
      sides[0]!.in(POD).of(sidecar),
      sides[1]!.in(POD).of(sidecar),
    ]),
    tick(2000),
  ]);
  expect(
    connections(report!)
      .map((row) => `${row.netns - HOST} ${row.from} → ${row.to}`)
      .sort(),
  ).toEqual(["0 app(100) → app(100)", "1 sidecar(200) → sidecar(200)"]);
});

test("F24 short connections between containers, one a second, are all there", () => {
  const A = HOST + 1;
  const B = HOST + 2;
  const namespaces = [namespace(A, "10.244.0.5"), namespace(B, "10.244.0.6"), namespace(HOST, "10.244.0.1")];
  const rounds = Array.from({ length: 20 }, (_, i) => {
    const at = 2000 + i * 1000;
    const call = flow(`10.244.0.5:${40_000 + i} > 10.244.0.6:80`)
      .state("timeWait")
      .seen(at, at + 20);
    return [
      table(at - 100, [], { namespaces }),
      batch(at + 50, [call.in(A), call.in(HOST), call.in(B)]),
      batch(at + 100, []),
      tick(at + 200),
    ];
  });
  const reports = run(rounds.flat());
  expect(reports.flatMap(lines)).toEqual(rounds.map((_, i) => `tcp 10.244.0.5:${40_000 + i} > 10.244.0.6:80 closed`));
});

describe("F53 what is local by a route", () => {
  const ROUTES = { localRoutes: [{ network: "203.0.113.0/24", forAll: true }] };
  const RULED = { localRoutes: [{ network: "0.0.0.0/0", forAll: false }] };
  const CALL = flow("10.0.0.1:40000 > 203.0.113.5:80");

  test("F53 is on this host, with the owner of whoever listens on the wildcard", () => {
    const [report] = run([
      table(900, [listener("0.0.0.0:80").of(nginx)], { namespaces: [{ ...namespace(HOST, "10.0.0.2"), ...ROUTES }] }),
      batch(1000, [CALL, flow("10.0.0.1:40001 > 198.51.100.1:80")]),
      tick(2000),
    ]);
    expect(connections(report!).map((row) => `${row.to} ${row.flags}`)).toEqual([
      "nginx(7)* toLocal,toOwnNamespace",
      "not-local transit",
    ]);
  });

  test("F53 is in the namespace that has the route, seen from another one", () => {
    const [report] = run([
      table(900, [], { namespaces: [namespace(HOST, "10.0.0.1"), { ...namespace(POD, "10.0.0.2"), ...ROUTES }] }),
      batch(1000, [CALL]),
      tick(2000),
    ]);
    expect(only(report!).flags).toEqual(["fromLocal", "toLocal"]);
  });

  test("F53 by a rule for some packets, may be: it is not said to be elsewhere, nor to be here", () => {
    const [report] = run([
      table(900, [], { namespaces: [{ ...namespace(HOST, "10.0.0.2"), ...RULED }] }),
      batch(1000, [CALL]),
      tick(2000),
    ]);
    expect(only(report!)).toMatchObject({ to: "no-socket", from: "not-local", flags: ["toRuled"] });
  });
});
