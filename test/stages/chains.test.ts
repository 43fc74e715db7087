/** One connection that several network namespaces track is one connection. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batch, type ChangedFlow, destroyed, evicted, type FlowFixture, flow, HOST } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { listener, namespace, owner, socket, table } from "./socket-fixture.ts";

const CLIENT = HOST + 1;
const SERVER = HOST + 2;
const curl = owner(12, "curl");
const nginx = owner(7, "nginx");

/** A client at 10.0.0.1, a router, a server at 10.1.0.2 behind the virtual address 10.9.9.9. */
const namespaces = [
  namespace(CLIENT, "10.0.0.1"),
  namespace(HOST, "10.0.0.254", "10.1.0.254"),
  namespace(SERVER, "10.1.0.2"),
];
const atClient = flow("10.0.0.1:40000 > 10.9.9.9:80").in(CLIENT);
const atRouter = flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.1.0.2:8080").snat("10.1.0.254:5555").in(HOST);
const atServer = flow("10.1.0.254:5555 > 10.1.0.2:8080").in(SERVER);
const PATH = [atClient, atRouter, atServer];
const sockets = [
  socket("10.0.0.1:40000 > 10.9.9.9:80").in(CLIENT).of(curl),
  socket("10.1.0.2:8080 > 10.1.0.254:5555").in(SERVER).of(nginx),
];
const LINE = "tcp 10.0.0.1:40000 > 10.1.0.2:8080";

describe("F33 F36 client, router and server namespace", () => {
  test("F33 F36 make one connection: real ends, what each side sees, both processes, the opener's namespace", () => {
    const [report] = run([table(900, sockets, { namespaces }), batch(1000, PATH), tick(2000)]);
    expect(only(report!)).toMatchObject({
      ends: "10.0.0.1:40000 > 10.1.0.2:8080",
      visible: "10.1.0.254:5555 > 10.9.9.9:80",
      nat: "dnat+snat",
      netns: CLIENT,
      from: "curl(12)",
      to: "nginx(7)",
      flags: ["fromLocal", "toLocal"],
    });
  });

  test("F33 make one connection over IPv6 too", () => {
    const path = [
      flow("[fd00::1]:40000 > [fd09::9]:80").in(CLIENT),
      flow("[fd00::1]:40000 > [fd09::9]:80").dnat("[fd01::2]:8080").in(HOST),
      flow("[fd00::1]:40000 > [fd01::2]:8080").in(SERVER),
    ];
    const [report] = run([batch(1000, path), tick(2000)]);
    expect(lines(report!)).toEqual(["tcp [fd00::1]:40000 > [fd01::2]:8080 established"]);
  });

  test("F33 make one connection without knowing any address, and whatever the order of their flows", () => {
    for (const order of permutations(PATH)) {
      const [report] = run([batch(1000, order), tick(2000)]);
      expect(lines(report!)).toEqual([`${LINE} established`]);
    }
  });

  test("F33 make one connection when their flows come in different batches and reports", () => {
    const reports = run([
      table(900, [], { namespaces }),
      ...PATH.flatMap((part, i) => [batch(1000 + i * 1000, [part]), tick(1500 + i * 1000)]),
    ]);
    expect(reports.map(lines)).toEqual([
      ["tcp 10.0.0.1:40000 > 10.9.9.9:80 established"],
      [`${LINE} established`],
      [`${LINE} established`],
    ]);
  });

  test("F36 make one connection when the translation is in the client's own namespace", () => {
    const path = [
      flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.1.0.2:8080").in(CLIENT),
      flow("10.0.0.1:40000 > 10.1.0.2:8080").in(HOST),
      flow("10.0.0.1:40000 > 10.1.0.2:8080").in(SERVER),
    ];
    const [report] = run([table(900, [], { namespaces }), batch(1000, path), tick(2000)]);
    expect(only(report!)).toMatchObject({ ends: LINE.slice(4), nat: "dnat", netns: CLIENT });
  });

  test("F36 make one connection of ICMP too, by its id", () => {
    const path = [
      flow("10.0.0.1:77 > 10.1.0.2:2048").icmp().in(CLIENT),
      flow("10.0.0.1:77 > 10.1.0.2:2048").icmp().snat("10.1.0.254:78").in(HOST),
      flow("10.1.0.254:78 > 10.1.0.2:2048").icmp().in(SERVER),
    ];
    const [report] = run([batch(1000, path), tick(2000)]);
    expect(only(report!)).toMatchObject({ protocol: "icmp", nat: "snat" });
  });

  test("F33 two routers on the way make no difference", () => {
    const plain = flow("10.0.0.1:40000 > 10.1.0.2:80");
    const path = [plain.in(CLIENT), plain.in(HOST), plain.in(HOST + 9), plain.in(SERVER)];
    const [report] = run([table(900, [], { namespaces }), batch(1000, path), tick(2000)]);
    expect(only(report!)).toMatchObject({ netns: CLIENT, flags: ["fromLocal", "toLocal"] });
  });

  test("F36 a client that reaches its own service through its host is one connection", () => {
    const path = [
      flow("10.0.0.1:40000 > 10.9.9.9:80").in(CLIENT),
      flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.0.0.1:8080").snat("10.0.0.254:5555").in(HOST),
      flow("10.0.0.254:5555 > 10.0.0.1:8080").in(CLIENT),
    ];
    const [report] = run([table(900, [], { namespaces }), batch(1000, path), tick(2000)]);
    expect(lines(report!)).toEqual(["tcp 10.0.0.1:40000 > 10.0.0.1:8080 established"]);
  });
});

describe("the end of a connection through several namespaces", () => {
  const ends = PATH.map((part) => destroyed(part.state("timeWait").seen(1000, 1500)));

  test("is told once, however the ends of its members are spread over batches and reports", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }), (when) => {
        const rounds = [0, 1, 2, 3].flatMap((round) => [
          batch(
            2000 + round * 1000,
            ends.filter((_, i) => when[i] === round),
          ),
          tick(2100 + round * 1000),
        ]);
        const reports = run([batch(1000, PATH), tick(1100), ...rounds, batch(9000, []), tick(9100), tick(9900)]);
        const told = reports.flatMap(lines).filter((line) => !/ (established|closing)$/.test(line));
        expect(told).toEqual([`${LINE} closed`]);
      }),
    );
  });

  test("is told whole when it was never shown before and its members die in neighbouring batches", () => {
    const health = { namespaces: 3 };
    for (const order of permutations(ends)) {
      for (const first of [1, 2, 3]) {
        const reports = run([
          batch(1600, order.slice(0, first), { health }),
          tick(1610),
          batch(1620, order.slice(first), { health }),
          tick(1630),
          batch(1700, [], { health }),
          tick(1710),
          tick(2700),
        ]);
        expect(reports.flatMap(lines)).toEqual([`${LINE} closed`]);
      }
    }
  });

  test("is told at once where every namespace has told of it, whichever of them tells of the end first", () => {
    const reports = run([
      batch(1000, PATH),
      batch(1050, []),
      tick(1100),
      batch(1600, ends.slice(0, 1)),
      tick(1700),
      batch(1800, ends.slice(1)),
      tick(1900),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} established`], [`${LINE} closed`], []]);
  });

  test("F33 what lives waits for the cut behind which every namespace has told of it", () => {
    const reports = run([
      batch(1000, PATH.slice(0, 1), { cutMs: 990, health: { namespaces: 3 } }),
      tick(1100),
      batch(1200, PATH.slice(1), { cutMs: 1190, health: { namespaces: 3 } }),
      tick(1300),
    ]);
    expect(reports.map(lines)).toEqual([[], [`${LINE} established`]]);
  });

  test("does not wait in the last report, nor longer than a second for a batch that does not come", () => {
    const [last] = run([batch(1000, ends), tick(1100, true)]);
    expect(lines(last!)).toEqual([`${LINE} closed`]);
    const [, late] = run([batch(1000, ends), tick(1100), tick(2100)]);
    expect(lines(late!)).toEqual([`${LINE} closed`]);
  });

  test("does not wait when both ends are where it was seen", () => {
    const here = flow("10.0.0.1:40000 > 10.0.0.1:80").in(CLIENT);
    const [report] = run([
      table(900, [], { namespaces }),
      batch(1000, [destroyed(here), flow("10.1.0.2:1 > 192.0.2.1:80").in(SERVER)]),
      tick(1100),
    ]);
    expect(lines(report!)).toContain("tcp 10.0.0.1:40000 > 10.0.0.1:80 closed");
  });

  test("leaves its other members silent for as long as they linger", () => {
    const reports = run([
      batch(1000, PATH),
      tick(1100),
      batch(1600, ends.slice(0, 1)),
      batch(1700, []),
      tick(1800),
      batch(2000, [atRouter.state("lastAck"), atServer.state("lastAck")]),
      tick(2100),
      batch(3000, ends.slice(1)),
      tick(3100),
      tick(9000),
    ]);
    expect(reports.slice(1).flatMap(lines)).toEqual([`${LINE} closed`]);
  });

  test("swallows a member that is read a batch later than both of its ends, which had told it already", () => {
    const direct = flow("10.0.0.1:40000 > 10.1.0.2:8080").seen(1050, 1090).state("timeWait");
    const reports = run([
      table(900, [], { namespaces }),
      batch(1000, []),
      batch(1100, [direct.in(CLIENT), direct.in(SERVER)], { cutMs: 1040 }),
      tick(1150),
      batch(1200, [direct.in(HOST).readAfter(1045)], { cutMs: 1190 }),
      tick(2500),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} closed`], []]);
  });

  test("swallows the entry that its last packets made where the one before had been deleted", () => {
    const again = atClient.pickedUp().id(9).seen(1700, 1750).state("timeWait");
    const reports = run([
      batch(1000, PATH),
      table(1100, sockets, { namespaces }),
      tick(1200),
      batch(1800, [
        destroyed(atClient.seen(1000, 1600)),
        atRouter.seen(1000, 1760).state("timeWait"),
        atServer.seen(1000, 1770).state("timeWait"),
      ]),
      tick(1900),
      batch(2000, [again]),
      tick(2100),
    ]);
    expect(reports.map(lines)).toEqual([[`${LINE} established`], [`${LINE} closed`], []]);
  });

  test("swallows a member that comes late", () => {
    const reports = run([
      table(1050, [], { namespaces }),
      batch(1000, [atClient, atRouter]),
      tick(1100),
      batch(1600, ends.slice(0, 2)),
      batch(1700, []),
      tick(1800),
      batch(1900, [atServer.seen(1000, 1900)]),
      tick(2000),
      batch(2900, [ends[2]!]),
      batch(3000, []),
      tick(3100),
    ]);
    expect(reports.slice(1).flatMap(lines)).toEqual([`${LINE} closed`]);
  });

  test("F48 does not swallow the next connection with the same tuples", () => {
    const again = PATH.map((part) => part.seen(5000, 5000));
    const reports = run([
      batch(1000, PATH),
      tick(1100),
      batch(1600, ends),
      batch(1700, []),
      tick(1800),
      ...again.map((part, i) => batch(5100 + i, [part])),
      tick(5200),
      batch(
        5600,
        again.map((part) => destroyed(part)),
      ),
      batch(5700, []),
      tick(5800),
    ]);
    expect(reports.slice(1).map(lines)).toEqual([[`${LINE} closed`], [`${LINE} established`], [`${LINE} closed`]]);
  });

  test("is no end for what goes on: conntrack forgot UDP in one namespace only, and meets it again", () => {
    const path = [
      flow("10.0.0.1:40000 > 10.1.0.2:53").udp().in(CLIENT),
      flow("10.0.0.1:40000 > 10.1.0.2:53").udp().in(HOST),
    ];
    const reports = run([
      batch(1000, path),
      batch(1050, []),
      tick(1100),
      batch(31_000, [destroyed(path[0]!.seen(1000, 31_000))]),
      batch(31_100, []),
      tick(31_200),
      batch(40_000, []),
      batch(50_000, [path[0]!.seen(50_000)]),
      batch(50_050, []),
      tick(50_100),
    ]);
    expect(reports.map(lines)).toEqual([
      ["udp 10.0.0.1:40000 > 10.1.0.2:53 established"],
      ["udp 10.0.0.1:40000 > 10.1.0.2:53 closed"],
      ["udp 10.0.0.1:40000 > 10.1.0.2:53 established"],
    ]);
  });

  test("a member that the ingest had no room for leaves the others as they are", () => {
    const reports = run([batch(1000, PATH), tick(1100), batch(2000, [evicted(atClient)]), tick(2100)]);
    expect(lines(reports[1]!)).toEqual([`${LINE} established`]);
    expect(only(reports[1]!).netns).toBe(HOST);
  });
});

describe("F37 addresses that overlap", () => {
  const call = flow("10.0.0.1:40000 > 10.0.0.2:80");
  const [A, B, C, D] = [HOST + 1, HOST + 2, HOST + 3, HOST + 4];

  test("F37 two hosts with the same addresses stay two connections: each has its own client and server", () => {
    const facts = [
      namespace(A, "10.0.0.1"),
      namespace(B, "10.0.0.2"),
      namespace(C, "10.0.0.1"),
      namespace(D, "10.0.0.2"),
    ];
    const path = [call.in(A), call.in(B), call.in(C), call.in(D)];
    const [report] = run([table(900, [], { namespaces: facts }), batch(1000, path), tick(2000)]);
    expect(
      connections(report!)
        .map((row) => row.netns)
        .sort(),
    ).toEqual([A, B, C, D]);
  });

  test("F37 two servers with the same address, whose clients are elsewhere, are two connections", () => {
    const facts = [namespace(A, "10.0.0.2"), namespace(B, "10.0.0.2")];
    const [report] = run([table(900, [], { namespaces: facts }), batch(1000, [call.in(A), call.in(B)]), tick(2000)]);
    expect(report!.columns.length).toBe(2);
  });

  test("F37 the same tuple in two zones is two connections", () => {
    const [report] = run([batch(1000, [call.in(A).zone(1), call.in(B).zone(2)]), tick(2000)]);
    expect(report!.columns.length).toBe(2);
  });

  test("F37 the same tuple in two zones, or with two ids, of one namespace is two connections", () => {
    const [report] = run([batch(1000, [call.zone(1), call.zone(2), call.id(2)]), tick(2000)]);
    expect(report!.columns.length).toBe(3);
  });

  test("F38 the same loopback tuple in two namespaces is two connections", () => {
    const local = flow("127.0.0.1:40000 > 127.0.0.1:80");
    const [report] = run([batch(1000, [local.in(A), local.in(B)]), tick(2000)]);
    expect(connections(report!).map((row) => row.netns)).toEqual([A, B]);
  });

  test("F37 two routers that send the same tuple to one server are not guessed at", () => {
    const path = [
      flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.1.0.2:80").snat("10.1.0.254:5555").in(A),
      flow("10.0.0.7:40000 > 10.9.9.9:80").dnat("10.1.0.2:80").snat("10.1.0.254:5555").in(B),
      flow("10.1.0.254:5555 > 10.1.0.2:80").in(C),
    ];
    const [report] = run([batch(1000, path), tick(2000)]);
    expect(report!.columns.length).toBe(3);
  });

  test("F37 an overlap that comes later does not tear apart what was one connection", () => {
    const facts = [namespace(A, "10.0.0.1"), namespace(B, "10.0.0.2"), namespace(C, "10.0.0.1")];
    const reports = run([
      table(900, [], { namespaces: facts }),
      batch(1000, [call.in(A), call.in(B)]),
      batch(1050, []),
      tick(1100),
      batch(2000, [call.in(C).seen(1990)]),
      batch(2050, []),
      tick(2100),
    ]);
    expect(reports.map((report) => connections(report).map((row) => row.netns))).toEqual([[A], [A, C]]);
  });

  test("F37 the end of one namespace's flow does not end the other's", () => {
    const reports = run([
      batch(1000, [call.in(A).zone(1), call.in(B).zone(2)]),
      tick(1100),
      batch(1200, [destroyed(call.in(A).zone(1))]),
      batch(1300, []),
      tick(1400),
      tick(1500),
    ]);
    expect(connections(reports[2]!).map((row) => row.netns)).toEqual([B]);
  });
});

test("a connection that one namespace saw backwards is turned by the one that saw it begin", () => {
  const path = [
    flow("10.0.0.1:40000 > 10.1.0.2:50000").in(CLIENT),
    flow("10.1.0.2:50000 > 10.0.0.1:40000").pickedUp().in(SERVER),
  ];
  for (const order of [path, path.toReversed()]) {
    const [report] = run([table(900, [], { namespaces }), batch(1000, order), tick(2000)]);
    expect(only(report!)).toMatchObject({
      ends: "10.0.0.1:40000 > 10.1.0.2:50000",
      evidence: "conntrack",
      confidence: "certain",
      netns: CLIENT,
    });
  }
});

test("F36 a connection is as sure of its direction as its surest member, and counts where anyone counts", () => {
  const path = [atClient.fromDump(), atRouter.counted(1, 100, 2, 200), atServer.fromDump()];
  const [report] = run([batch(1000, path), tick(2000)]);
  expect(only(report!)).toMatchObject({ netns: CLIENT, confidence: "certain", counters: [1, 100, 2, 200] });
});

test("a redirect in the server's namespace is one, and a translation on the way to it is none", () => {
  const proxy = flow("10.0.0.1:40000 > 10.1.0.2:80").dnat("10.1.0.2:15001").in(SERVER);
  const [report] = run([
    table(900, [listener("0.0.0.0:15001").in(SERVER).of(nginx)], { namespaces }),
    batch(1000, [flow("10.0.0.1:40000 > 10.1.0.2:80").in(CLIENT), proxy]),
    tick(2000),
  ]);
  expect(only(report!)).toMatchObject({ nat: "redirect", to: "nginx(7)*", ends: "10.0.0.1:40000 > 10.1.0.2:15001" });
  const [routed] = run([table(900, [], { namespaces }), batch(1000, PATH), tick(2000)]);
  expect(only(routed!).flags).not.toContain("toOwnNamespace");
});

function permutations<T extends FlowFixture | ChangedFlow>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
