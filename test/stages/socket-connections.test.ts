/** Connections that only sockets show, and how they give way to flows. */
import { describe, expect, test } from "vitest";
import { batch, destroyed, flow, HOST } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { listener, namespace, owner, socket, table } from "./socket-fixture.ts";

const curl = owner(12, "curl");
const nginx = owner(7, "nginx");
const CLIENT = socket("10.0.0.1:40000 > 10.0.0.2:80").of(curl);
const SERVER = socket("10.0.0.2:80 > 10.0.0.1:40000").of(nginx);
const LOOP = [socket("127.0.0.1:40000 > 127.0.0.1:80").of(curl), socket("127.0.0.1:80 > 127.0.0.1:40000").of(nginx)];
const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");
const LINE = "tcp 10.0.0.1:40000 > 10.0.0.2:80";
const POD = HOST + 1;

/** State by state over the reports. */
function states(reports: ReturnType<typeof run>): string[][] {
  return reports.map((report) => connections(report).map((row) => `${row.state} ${row.sources.join("+")}`));
}

describe("two sockets that mirror each other", () => {
  test("are one connection with both owners, over loopback", () => {
    const [report] = run([table(1000, LOOP), tick(2000)]);
    expect(only(report!)).toMatchObject({
      ends: "127.0.0.1:40000 > 127.0.0.1:80",
      from: "curl(12)",
      to: "nginx(7)",
      sources: ["sockets"],
      netns: HOST,
    });
  });

  test("are one connection between two namespaces, which is the opener's", () => {
    const [report] = run([table(1000, [SERVER.in(POD), CLIENT]), tick(2000)]);
    expect(only(report!)).toMatchObject({ from: "curl(12)", to: "nginx(7)", netns: HOST });
  });

  test("F38 are not one over loopback when they are in two namespaces", () => {
    const [report] = run([table(1000, [LOOP[0]!, LOOP[1]!.in(POD)]), tick(2000)]);
    expect(
      connections(report!)
        .map((row) => `${row.netns - HOST} ${row.from} ${row.to}`)
        .sort(),
    ).toEqual(["0 curl(12) no-socket", "1 no-socket nginx(7)"]);
  });

  test("are left alone when a third one could be the other side", () => {
    const [report] = run([table(1000, [CLIENT, CLIENT.in(POD), SERVER.in(POD + 1)]), tick(2000)]);
    expect(
      connections(report!)
        .map((row) => `${row.from} ${row.to}`)
        .sort(),
    ).toEqual(["ambiguous nginx(7)", "curl(12) ambiguous", "curl(12) ambiguous"]);
  });

  test("a socket that is connected to itself is one connection", () => {
    const [report] = run([table(1000, [socket("127.0.0.1:40000 > 127.0.0.1:40000").of(curl)]), tick(2000)]);
    expect(lines(report!)).toEqual(["tcp 127.0.0.1:40000 > 127.0.0.1:40000 established"]);
  });

  test("connected UDP sockets with the same ends are one connection", () => {
    const twin = socket("10.0.0.1:40000 > 10.0.0.2:53").udp().of(curl);
    const [report] = run([table(1000, [twin.inode(5), twin.inode(6)]), tick(2000)]);
    expect(lines(report!)).toEqual(["udp 10.0.0.1:40000 > 10.0.0.2:53 established"]);
  });
});

describe("a connection over time", () => {
  test("keeps its first moment over scans and is told as closed once, last seen in the last table that had it", () => {
    const reports = run([
      table(1000, [CLIENT]),
      tick(1100),
      table(2000, [CLIENT]),
      tick(2100),
      table(3000, []),
      tick(3100),
      tick(4100),
    ]);
    expect(states(reports)).toEqual([["established sockets"], ["established sockets"], ["closed sockets"], []]);
    expect(only(reports[2]!)).toMatchObject({ firstSeenMs: 1000, lastSeenMs: 2000, from: "curl(12)" });
  });

  test("that comes and goes between two reports is told as closed", () => {
    const reports = run([table(1000, [CLIENT]), table(1500, []), tick(2000), tick(3000)]);
    expect(states(reports)).toEqual([["closed sockets"], []]);
  });

  test("that never got beyond SYN_SENT has failed", () => {
    const reports = run([table(1000, [CLIENT.state("synSent")]), tick(1100), table(2000, []), tick(2100)]);
    expect(states(reports)).toEqual([["opening sockets"], ["failed sockets"]]);
  });

  test("F27 whose ends are used again by another socket is over, and the other is another", () => {
    const reports = run([
      table(1000, [CLIENT.inode(50)]),
      tick(1100),
      table(2000, [CLIENT.inode(51).of(owner(13, "wget"))]),
      tick(2100),
      tick(3100),
    ]);
    expect(
      reports.map((report) =>
        connections(report)
          .map((row) => `${row.state} ${row.from}`)
          .sort(),
      ),
    ).toEqual([["established curl(12)"], ["closed curl(12)", "established wget(13)"], ["established wget(13)"]]);
  });

  test("gets its second owner when the other namespace is first scanned", () => {
    const reports = run([table(1000, [CLIENT]), tick(1100), table(2000, [CLIENT, SERVER.in(POD)]), tick(2100)]);
    expect(reports.map((report) => `${only(report).from} → ${only(report).to}`)).toEqual([
      "curl(12) → no-socket",
      "curl(12) → nginx(7)",
    ]);
    expect(only(reports[1]!).firstSeenMs).toBe(1000);
  });

  test("counts what TCP counts, seen from whichever side was seen", () => {
    const [client] = run([table(1000, [CLIENT.bytes(100, 2000)]), tick(1100)]);
    const [server] = run([table(1000, [SERVER.bytes(2000, 100), listener("0.0.0.0:80")]), tick(1100)]);
    for (const report of [client!, server!]) {
      expect(only(report)).toMatchObject({ ends: "10.0.0.1:40000 > 10.0.0.2:80", counters: [-1, 100, -1, 2000] });
    }
  });

  test("is turned away when there is no room, and counted", () => {
    const sockets = [1, 2, 3].map((i) => socket(`10.0.0.1:${40_000 + i} > 10.0.0.2:80`));
    const [report] = run([table(1000, sockets), tick(2000)], { capacity: 2 });
    expect(report!.columns.length).toBe(2);
    expect(report!.health.merge.dropped).toBe(1);
  });
});

describe("a flow for a connection that sockets showed", () => {
  test("takes it over: no double row, no close, and its first moment stays", () => {
    const reports = run([
      table(1000, [CLIENT, SERVER]),
      tick(1100),
      batch(1500, [CALL.fromDump().seen(1400)]),
      tick(2000),
      table(2500, []),
      tick(3000),
    ]);
    expect(states(reports)).toEqual([
      ["established sockets"],
      ["established conntrack+sockets"],
      ["established conntrack+sockets"],
    ]);
    expect(only(reports[1]!)).toMatchObject({ firstSeenMs: 1000, from: "curl(12)", to: "nginx(7)" });
  });

  test("F3 takes it over although its first events were lost and the socket is gone: it is told as closed once", () => {
    const reports = run([
      table(1000, [CLIENT, SERVER]),
      tick(1100),
      batch(1500, [CALL.beganUnseen().state("timeWait").seen(1400)]),
      table(2000, []),
      tick(2100),
      tick(3100),
    ]);
    expect(states(reports)).toEqual([["established sockets"], ["closed conntrack+sockets"], []]);
    expect(only(reports[1]!)).toMatchObject({ firstSeenMs: 1000, from: "curl(12)", to: "nginx(7)" });
  });

  test("takes it over although it comes as closed, and after the socket is gone", () => {
    const reports = run([
      table(1000, [CLIENT]),
      tick(1010),
      batch(1200, [destroyed(CALL.seen(990, 1100))]),
      table(2000, []),
      tick(2100),
      tick(3100),
    ]);
    expect(states(reports)).toEqual([["established sockets"], ["closed conntrack+sockets"], []]);
  });

  test("takes it over from the other side of a translation, in another namespace", () => {
    const reports = run([
      table(1000, [socket("10.0.0.1:40000 > 10.9.9.9:80").in(POD).of(curl)]),
      tick(1100),
      batch(1500, [flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.0.0.2:8080").fromDump()]),
      tick(2000),
    ]);
    expect(reports.map(lines)).toEqual([
      ["tcp 10.0.0.1:40000 > 10.9.9.9:80 established"],
      ["tcp 10.0.0.1:40000 > 10.0.0.2:8080 established"],
    ]);
  });

  test("F38 does not take over another namespace's loopback connection with the same ports", () => {
    const [, report] = run([
      table(
        1000,
        LOOP.map((side) => side.in(POD)),
      ),
      tick(1100),
      batch(1500, [flow("127.0.0.1:40000 > 127.0.0.1:80").fromDump()]),
      tick(2000),
    ]);
    expect(
      connections(report!)
        .map((row) => `${row.netns - HOST} ${row.sources[0]}`)
        .sort(),
    ).toEqual(["0 conntrack", "1 sockets"]);
  });

  test("a connection that conntrack meets in its middle is not shown twice until the next scan", () => {
    const [report] = run([table(1000, [CLIENT]), batch(1900, [CALL.pickedUp().seen(1800)]), tick(2000)]);
    expect(states([report!])).toEqual([["established conntrack+sockets"]]);
  });

  test("UDP traffic that begins anew on an old socket is not shown twice, and has its process when the socket was seen again", () => {
    const asked = socket("10.0.0.1:40000 > 10.0.0.2:53").udp().of(curl);
    const [early, later] = run([
      table(1000, [asked]),
      batch(1900, [flow("10.0.0.1:40000 > 10.0.0.2:53").udp().seen(1800)]),
      tick(2000),
      table(2900, [asked]),
      tick(3000),
    ]);
    expect(only(early!)).toMatchObject({ from: "no-socket", protocol: "udp" });
    expect(only(later!)).toMatchObject({ from: "curl(12)", protocol: "udp" });
  });

  test("F27 UDP from a port that another process had before is not that one's", () => {
    const query = flow("10.0.0.1:40000 > 10.0.0.2:53").udp();
    const reports = run([
      batch(900, [query.seen(800)]),
      table(1000, [socket("10.0.0.1:40000 > 10.0.0.2:53").udp().of(curl)]),
      batch(1300, [destroyed(query.seen(800, 1200))]),
      tick(1400),
      batch(1900, [query.seen(1800)]),
      tick(2000),
    ]);
    expect(reports.map((report) => only(report).from)).toEqual(["curl(12)", "no-socket"]);
  });
});

test("a loopback flow and both of its sockets are one connection, not two edges", () => {
  const inputs = [batch(1000, [flow("127.0.0.1:40000 > 127.0.0.1:80")]), table(1100, LOOP)];
  for (const order of [inputs, inputs.toReversed()]) {
    const [report] = run([...order, tick(2000)]);
    expect(only(report!)).toMatchObject({ from: "curl(12)", to: "nginx(7)", sources: ["conntrack", "sockets"] });
  }
});

describe("sockets of a flow whose end was told", () => {
  const ended = destroyed(CALL.state("timeWait").seen(1000, 1500));
  const begin = [batch(1000, [CALL]), table(1100, [CLIENT, SERVER]), tick(1200), batch(1550, [ended]), tick(1600)];

  test("do not come back while the same table is current", () => {
    expect(states(run([...begin, tick(1700)])).slice(2)).toEqual([[]]);
  });

  test("do not come back with a table whose scan began before the end", () => {
    const reports = run([...begin, table(1700, [CLIENT, SERVER], { startedMs: 1450 }), tick(1800)]);
    expect(states(reports).slice(2)).toEqual([[]]);
  });

  test("do not come back while only the kernel still has them", () => {
    const reports = run([
      ...begin,
      table(2000, [CLIENT.state("finWait2").orphaned()]),
      tick(2100),
      table(3000, [CLIENT.state("finWait2").orphaned()]),
      tick(3100),
      table(4000, []),
      tick(4100),
    ]);
    expect(states(reports).slice(2)).toEqual([[], [], []]);
  });

  test("are not shown beside the closed flow either", () => {
    const reports = run([...begin.slice(0, 4), table(2000, [CLIENT.state("finWait2").orphaned()]), tick(2100)]);
    expect(states(reports)).toEqual([["established conntrack+sockets"], ["closed conntrack+sockets"]]);
  });

  test("are a connection of their own when a younger scan shows them established", () => {
    const reports = run([...begin, table(2000, [CLIENT, SERVER]), tick(2100)]);
    expect(states(reports).slice(2)).toEqual([["established sockets"]]);
  });

  test("F28 and when a process still holds them half closed", () => {
    const reports = run([...begin, table(2000, [SERVER.state("closeWait")]), tick(2100)]);
    expect(states(reports).slice(2)).toEqual([["closing sockets"]]);
  });
});

describe("an entry that is gone while its connection was open", () => {
  const begin = [batch(1000, [CALL]), table(1100, [CLIENT, SERVER]), tick(1200)];
  const deleted = batch(1550, [destroyed(CALL.seen(1000, 1500))]);
  const ESTABLISHED = "established conntrack+sockets";

  test("is no end for as long as sockets show the connection", () => {
    const reports = run([
      ...begin,
      deleted,
      tick(1600),
      table(2000, [CLIENT, SERVER]),
      tick(2100),
      table(3000, [CLIENT]),
      tick(3100),
      table(4000, []),
      tick(4100),
      tick(5100),
    ]);
    expect(states(reports)).toEqual([
      [ESTABLISHED],
      [ESTABLISHED],
      [ESTABLISHED],
      [ESTABLISHED],
      ["closed conntrack+sockets"],
      [],
    ]);
  });

  test("F28 half closed it is none either: conntrack's timeout is shorter than a program's patience", () => {
    const half = CALL.state("closeWait");
    const reports = run([
      batch(1000, [half]),
      table(1100, [SERVER.state("closeWait")]),
      tick(1200),
      batch(1550, [destroyed(half.seen(1000, 1500))]),
      tick(1600),
      table(2000, [SERVER.state("closeWait")]),
      tick(2100),
    ]);
    expect(states(reports)).toEqual(Array(3).fill(["closing conntrack+sockets"]));
  });

  test.each([
    { by: "the client", again: CALL.pickedUp().seen(2500) },
    { by: "the server", again: flow("10.0.0.2:80 > 10.0.0.1:40000").pickedUp().seen(2500) },
  ])("goes on in the entry that the next packet of $by makes", ({ again }) => {
    const reports = run([...begin, deleted, tick(1600), batch(2600, [again]), tick(2700), tick(3700)]);
    expect(reports.map(lines)).toEqual(Array(4).fill([`${LINE} established`]));
    expect(new Set(reports.map((report) => report.columns.id[0])).size).toBe(1);
    const [before, , after] = reports.map((report) => only(report));
    expect(after).toMatchObject({
      from: "curl(12)",
      to: "nginx(7)",
      confidence: "certain",
      firstSeenMs: before!.firstSeenMs,
    });
  });

  test("made anew, is no older than its connection: it does not take the socket of the one before with its ends", () => {
    const before = [CLIENT.of(owner(66, "before"))];
    const short = CALL.id(2).seen(1500, 1540);
    const reports = run([
      table(1100, before),
      batch(1200, []),
      batch(1600, [destroyed(short), CALL.id(3).pickedUp().seen(1570, 1590).state("timeWait")]),
      tick(1700),
    ]);
    expect(reports.flatMap((report) => connections(report).map(({ state, from }) => `${state} ${from}`))).not.toContain(
      "closed before(66)",
    );
  });

  test("has ended when the tuple begins anew", () => {
    const reports = run([...begin, deleted, batch(2600, [CALL.seen(2500)]), tick(2700)]);
    expect(states(reports)[1]!.sort()).toEqual(["closed conntrack+sockets", "established conntrack"]);
  });

  test("has ended when nobody looks any more, and in the last report", () => {
    expect(states(run([...begin, deleted, tick(1600, true)]))[1]).toEqual(["closed conntrack+sockets"]);
    expect(states(run([...begin, deleted, tick(1600), tick(12_000)])).slice(1)).toEqual([
      [ESTABLISHED],
      ["closed conntrack+sockets"],
    ]);
  });

  test("of which no socket was ever seen has ended", () => {
    expect(states(run([batch(1000, [CALL]), tick(1200), deleted, tick(1600)]))).toEqual([
      ["established conntrack"],
      ["closed conntrack"],
    ]);
  });
});

test("a connection's ends are on this host when a socket is there, whatever the addresses say", () => {
  const [report] = run([table(1000, [CLIENT], { namespaces: [namespace(HOST, "10.5.5.5")] }), tick(2000)]);
  expect(only(report!).flags).toEqual(["fromLocal"]);
});

test("lines tell the same story when tables come without any conntrack", () => {
  const reports = run([table(1000, [CLIENT]), tick(1100)], { conntrack: false });
  expect(reports.map(lines)).toEqual([[`${LINE} established`]]);
  expect(reports[0]!.health.conntrack).toMatchObject({ state: "off", reason: "switched-off" });
});

describe("F58 a socket connected to itself", () => {
  const ITSELF = socket("127.0.0.1:40001 > 127.0.0.1:40001").of(curl);

  test("is one established connection with the same process at both ends", () => {
    const [report] = run([table(1000, [ITSELF]), tick(2000)]);
    expect(only(report!)).toMatchObject({
      state: "established",
      from: "curl(12)",
      to: "curl(12)",
      sources: ["sockets"],
    });
  });

  test("is established also where conntrack, which cannot tell its directions apart, stays in the handshake", () => {
    const stuck = flow("127.0.0.1:40001 > 127.0.0.1:40001").state("synRecv");
    const [report] = run([batch(1000, [stuck]), table(1500, [ITSELF]), tick(2000)]);
    expect(only(report!)).toMatchObject({ state: "established", from: "curl(12)", to: "curl(12)" });
  });
});
