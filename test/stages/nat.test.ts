/** What the kernel rewrote, and who really talks to whom. */
import { describe, expect, test } from "vitest";
import { batch, destroyed, flow, HOST } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { namespace, owner, socket, table } from "./socket-fixture.ts";

const CALL = flow("10.0.0.1:40000 > 10.9.9.9:80");
const V6 = flow("[fd00::1]:40000 > [fd09::9]:80");

describe("S9 translation", () => {
  const cases: readonly [string, ReturnType<typeof flow>, string, string, string | undefined][] = [
    ["none", CALL, "none", "10.0.0.1:40000 > 10.9.9.9:80", undefined],
    [
      "of the destination",
      CALL.dnat("10.0.0.2:8080"),
      "dnat",
      "10.0.0.1:40000 > 10.0.0.2:8080",
      "10.0.0.1:40000 > 10.9.9.9:80",
    ],
    [
      "of the destination's port alone",
      CALL.dnat("10.9.9.9:8080"),
      "dnat",
      "10.0.0.1:40000 > 10.9.9.9:8080",
      "10.0.0.1:40000 > 10.9.9.9:80",
    ],
    [
      "of the source",
      CALL.snat("192.0.2.1:40000"),
      "snat",
      "10.0.0.1:40000 > 10.9.9.9:80",
      "192.0.2.1:40000 > 10.9.9.9:80",
    ],
    [
      "of the source's port alone",
      CALL.snat("10.0.0.1:1024"),
      "snat",
      "10.0.0.1:40000 > 10.9.9.9:80",
      "10.0.0.1:1024 > 10.9.9.9:80",
    ],
    [
      "of both",
      CALL.dnat("10.0.0.2:8080").snat("10.0.0.254:1024"),
      "dnat+snat",
      "10.0.0.1:40000 > 10.0.0.2:8080",
      "10.0.0.254:1024 > 10.9.9.9:80",
    ],
    [
      "over IPv6",
      V6.dnat("[fd00::2]:8080"),
      "dnat",
      "[fd00::1]:40000 > [fd00::2]:8080",
      "[fd00::1]:40000 > [fd09::9]:80",
    ],
    [
      "of an ICMP id",
      flow("10.0.0.1:77 > 10.9.9.9:2048").icmp().snat("192.0.2.1:78"),
      "snat",
      "10.0.0.1:77 > 10.9.9.9:2048",
      "192.0.2.1:78 > 10.9.9.9:2048",
    ],
    [
      "none of ICMP, whose reply has another type",
      flow("10.0.0.1:77 > 10.9.9.9:2048").icmp(),
      "none",
      "10.0.0.1:77 > 10.9.9.9:2048",
      undefined,
    ],
  ];
  test.each(cases)("S9 %s", (_, call, nat, ends, visible) => {
    const [report] = run([batch(1000, [call]), tick(2000)]);
    expect(only(report!)).toMatchObject({ nat, ends });
    expect(only(report!).visible).toBe(visible);
  });

  test("S9 a connection of a few milliseconds to a virtual address goes from the client to the real server", () => {
    const [report] = run([batch(1000, [destroyed(CALL.dnat("10.0.0.2:8080").seen(995, 999))]), tick(2000)]);
    expect(lines(report!)).toEqual(["tcp 10.0.0.1:40000 > 10.0.0.2:8080 closed"]);
    expect(only(report!).visible).toBe("10.0.0.1:40000 > 10.9.9.9:80");
  });

  test("S9 to the host itself is a redirect", () => {
    const [report] = run([
      table(900, [], { namespaces: [namespace(HOST, "10.0.0.1", "10.0.0.2")] }),
      batch(1000, [
        CALL.dnat("127.0.0.1:3128"),
        CALL.id(2).dnat("10.0.0.2:3128"),
        CALL.id(3).dnat("10.0.0.3:3128"),
        CALL.id(4).dnat("10.0.0.2:3128").snat("10.0.0.9:1"),
      ]),
      tick(2000),
    ]);
    expect(connections(report!).map((row) => row.nat)).toEqual(["redirect", "redirect", "dnat", "dnat+snat"]);
  });
});

describe("F31 a service behind a virtual address", () => {
  test("F31 long and short flows go from the client to the backend, and nothing goes to the virtual address", () => {
    const long = CALL.dnat("10.0.0.2:8080");
    const short = flow("10.0.0.1:40001 > 10.9.9.9:80").dnat("10.0.0.3:8080");
    const reports = run([
      batch(1000, [long, destroyed(short.seen(990, 995))]),
      table(1100, [socket("10.0.0.1:40000 > 10.9.9.9:80").of(owner(12, "curl"))], {
        namespaces: [namespace(HOST, "10.0.0.1")],
      }),
      tick(1200),
      tick(2200),
    ]);
    expect(reports.map(lines)).toEqual([
      ["tcp 10.0.0.1:40000 > 10.0.0.2:8080 established", "tcp 10.0.0.1:40001 > 10.0.0.3:8080 closed"],
      ["tcp 10.0.0.1:40000 > 10.0.0.2:8080 established"],
    ]);
    expect(only(reports[1]!)).toMatchObject({ from: "curl(12)", to: "not-local" });
  });
});

test("F32 two clients and two backends behind one virtual address keep their shape over many reports", () => {
  const calls = [1, 2].flatMap((client) =>
    [2, 3].map((backend) =>
      flow(`10.0.1.${client}:${40_000 + backend} > 10.9.9.9:80`)
        .dnat(`10.0.0.${backend}:8080`)
        .id(client * 10 + backend),
    ),
  );
  const sockets = calls.map(({ facts }) =>
    socket(`10.0.1.${facts.from.address[3]! >>> 24}:${facts.from.port} > 10.9.9.9:80`),
  );
  const reports = run([
    batch(1000, calls),
    ...[1, 2, 3, 4].flatMap((round) => [
      table(1000 + round * 1000, round % 2 === 0 ? sockets : sockets.toReversed()),
      batch(1500 + round * 1000, round % 2 === 0 ? calls : calls.toReversed()),
      tick(1600 + round * 1000),
    ]),
  ]);
  const shape = [1, 2].flatMap((client) =>
    [2, 3].map((backend) => `tcp 10.0.1.${client}:${40_000 + backend} > 10.0.0.${backend}:8080 established`),
  );
  expect(reports.map(lines)).toEqual(Array(4).fill(shape));
});

test("F33 a translated connection with both of its sockets is counted once", () => {
  const [report] = run([
    batch(1000, [CALL.dnat("10.0.0.2:8080").snat("10.0.0.254:1024")]),
    table(1100, [socket("10.0.0.1:40000 > 10.9.9.9:80"), socket("10.0.0.2:8080 > 10.0.0.254:1024")]),
    tick(2000),
  ]);
  expect(report!.columns.length).toBe(1);
});

test("F34 masqueraded traffic of a pod names the pod as its opener", () => {
  const POD = HOST + 1;
  const [report] = run([
    table(900, [socket("10.244.0.5:40000 > 192.0.2.1:443").in(POD).of(owner(500, "app"))], {
      namespaces: [namespace(HOST, "10.0.0.1"), namespace(POD, "10.244.0.5")],
    }),
    batch(1000, [flow("10.244.0.5:40000 > 192.0.2.1:443").snat("10.0.0.1:1024")]),
    tick(2000),
  ]);
  expect(only(report!)).toMatchObject({
    ends: "10.244.0.5:40000 > 192.0.2.1:443",
    visible: "10.0.0.1:1024 > 192.0.2.1:443",
    nat: "snat",
    from: "app(500)",
    to: "not-local",
    flags: ["fromLocal"],
  });
});

test("S14 one virtual address with many backends: each connection knows its own backend", () => {
  const calls = Array.from({ length: 50 }, (_, i) =>
    flow(`10.0.0.1:${40_000 + i} > 10.9.9.9:80`).dnat(`10.0.2.${i + 1}:8080`),
  );
  const [report] = run([batch(1000, calls), tick(2000)]);
  expect(connections(report!).map((row) => [row.ends, row.visible])).toEqual(
    calls.map((_, i) => [`10.0.0.1:${40_000 + i} > 10.0.2.${i + 1}:8080`, `10.0.0.1:${40_000 + i} > 10.9.9.9:80`]),
  );
});
