/** Which process is at each end, and why there is none. */
import { describe, expect, test } from "vitest";
import { batch, destroyed, flow, HOST, swept } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { boundUdp, listener, namespace, owner, socket, table } from "./socket-fixture.ts";

const curl = owner(12, "curl");
const nginx = owner(7, "nginx");
const wget = owner(30, "wget");
const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");
const CLIENT = socket("10.0.0.1:40000 > 10.0.0.2:80");
const SERVER = socket("10.0.0.2:80 > 10.0.0.1:40000");
const POD = HOST + 1;
const OTHER_POD = HOST + 2;

/** What a report says of both ends: `curl(12) → nginx(7)`. */
function people(report: ReturnType<typeof run>[number]): string[] {
  return connections(report).map(({ from, to }) => `${from} → ${to}`);
}

describe("a flow", () => {
  test("has the owners of its client's and of its server's socket", () => {
    const [report] = run([batch(1000, [CALL]), table(1100, [CLIENT.of(curl), SERVER.of(nginx)]), tick(2000)]);
    expect(people(report!)).toEqual(["curl(12) → nginx(7)"]);
    expect(only(report!).sources).toEqual(["conntrack", "sockets"]);
  });

  test("over IPv6 has them just the same", () => {
    const [report] = run([
      batch(1000, [flow("[fd00::1]:40000 > [fd00::2]:80")]),
      table(1100, [
        socket("[fd00::1]:40000 > [fd00::2]:80").of(curl),
        socket("[fd00::2]:80 > [fd00::1]:40000").of(nginx),
      ]),
      tick(2000),
    ]);
    expect(people(report!)).toEqual(["curl(12) → nginx(7)"]);
  });

  test("through NAT has them too: each socket knows its own side of the translation", () => {
    const [report] = run([
      batch(1000, [flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.0.0.2:8080").snat("10.0.0.254:5555")]),
      table(1100, [
        socket("10.0.0.1:40000 > 10.9.9.9:80").of(curl),
        socket("10.0.0.2:8080 > 10.0.0.254:5555").of(nginx),
      ]),
      tick(2000),
    ]);
    expect(people(report!)).toEqual(["curl(12) → nginx(7)"]);
  });

  test("keeps its owners when it ends after its sockets are gone", () => {
    const reports = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.of(curl), SERVER.of(nginx)]),
      tick(1200),
      table(30_000, []),
      tick(30_100),
      batch(60_000, [destroyed(CALL.seen(1000, 60_000))]),
      tick(60_100),
    ]);
    expect(reports.map(people)).toEqual(Array(3).fill(["curl(12) → nginx(7)"]));
  });

  test("follows a socket that is handed to another process, and keeps the last one", () => {
    const reports = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.of(curl)]),
      tick(1200),
      table(2100, [CLIENT.of(wget)]),
      tick(2200),
      table(3100, []),
      tick(3200),
    ]);
    expect(reports.map((report) => only(report).from)).toEqual(["curl(12)", "wget(30)", "wget(30)"]);
  });

  test("shows a process under its present name after execve", () => {
    const reports = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.of(owner(12, "sh"))]),
      tick(1200),
      table(2100, [CLIENT.of(owner(12, "curl"))]),
      tick(2200),
    ]);
    expect(reports.map((report) => only(report).from)).toEqual(["sh(12)", "curl(12)"]);
  });
});

describe("F16 with attribution off", () => {
  test("F16 flows are as correct as ever, and every end says that it is off", () => {
    const [report] = run([batch(1000, [CALL]), tick(2000)], { sockets: false });
    expect(only(report!)).toMatchObject({ state: "established", evidence: "conntrack", from: "off", to: "off" });
    expect(report!.health.sockets).toMatchObject({ state: "off", reason: "switched-off", timeMs: null });
  });

  test("F16 sockets without processes say why", () => {
    const [report] = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.without("off"), SERVER.without("off")]),
      tick(2000),
    ]);
    expect(people(report!)).toEqual(["off → off"]);
  });
});

describe("F25 several candidates", () => {
  test("F25 the socket of the flow's own namespace wins over an equal one elsewhere", () => {
    const [report] = run([batch(1000, [CALL]), table(1100, [CLIENT.in(POD).of(wget), CLIENT.of(curl)]), tick(2000)]);
    expect(connections(report!)[0]!.from).toBe("curl(12)");
  });

  test("F25 the only socket of another namespace is joined: flows of pods tracked by their host", () => {
    const [report] = run([batch(1000, [CALL]), table(1100, [CLIENT.in(POD).of(curl)]), tick(2000)]);
    expect(people(report!)).toEqual(["curl(12) → no-socket"]);
  });

  test("F25 two namespaces with the same ends are ambiguous, and nobody is picked", () => {
    const [report] = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.in(POD).of(curl), CLIENT.in(OTHER_POD).of(wget)]),
      tick(2000),
    ]);
    expect(connections(report!).find((row) => row.sources.includes("conntrack"))!.from).toBe("ambiguous");
  });

  test("F25 a short connection in a shared namespace goes to the process that listens there", () => {
    const [, report] = run([
      table(1000, [listener("0.0.0.0:80").of(nginx)], { namespaces: [namespace(HOST, "10.0.0.1", "10.0.0.2")] }),
      tick(1100),
      batch(1500, [destroyed(CALL.seen(1400, 1420))]),
      tick(2000),
    ]);
    expect(people(report!)).toEqual(["no-socket → nginx(7)*"]);
  });
});

describe("F26 a forking server", () => {
  test("F26 sockets with the same ends give the same owner whatever the order of the table", () => {
    const sockets = [CLIENT.inode(500).of(curl), CLIENT.inode(400).of(wget)];
    const from = [sockets, sockets.toReversed()].map((order) => {
      const [report] = run([batch(1000, [CALL]), table(1100, order), tick(2000)]);
      return only(report!).from;
    });
    expect(from).toEqual(["wget(30)", "wget(30)"]);
  });

  test("F26 listeners that share a port count as one while they have one owner, and are ambiguous otherwise", () => {
    const namespaces = [namespace(HOST, "10.0.0.2")];
    const shared = (second: typeof nginx): string => {
      const sockets = [listener("0.0.0.0:80").inode(5).of(nginx), listener("0.0.0.0:80").inode(6).of(second)];
      const [report] = run([table(900, sockets, { namespaces }), batch(1000, [CALL]), tick(2000)]);
      return only(report!).to;
    };
    expect([shared(nginx), shared(wget)]).toEqual(["nginx(7)*", "ambiguous"]);
  });
});

describe("F27 identity", () => {
  test("F27 a reused pid is another process: the earlier one stays with its connection", () => {
    const reports = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.of(owner(12, "curl", 100))]),
      tick(1200),
      table(2000, [socket("10.0.0.1:50000 > 10.0.0.3:22").of(owner(12, "ssh", 900))]),
      batch(2100, [destroyed(CALL.state("timeWait").seen(1000, 2050))]),
      tick(2200),
    ]);
    expect(lines(reports[1]!)).toEqual([
      "tcp 10.0.0.1:40000 > 10.0.0.2:80 closed",
      "tcp 10.0.0.1:50000 > 10.0.0.3:22 established",
    ]);
    expect(connections(reports[1]!).map((row) => row.from)).toEqual(["curl(12)", "ssh(12)"]);
  });

  test("F27 a flow that ended before the scan began is not the present socket's", () => {
    const [report] = run([
      batch(1500, [destroyed(CALL.seen(1000, 1400))]),
      table(2000, [CLIENT.of(curl)], { startedMs: 1900 }),
      tick(2100),
    ]);
    expect(
      connections(report!)
        .map((row) => `${row.state} ${row.from}`)
        .sort(),
    ).toEqual(["closed no-socket", "established curl(12)"]);
  });

  test("F27 a socket that was gone before the flow began is not the flow's", () => {
    const [, report] = run([
      table(1000, [CLIENT.of(curl)]),
      tick(1100),
      table(2000, []),
      batch(2600, [CALL.seen(2500)]),
      tick(2700),
    ]);
    expect(connections(report!).find((row) => row.sources.includes("conntrack"))!.from).toBe("no-socket");
  });

  test("F27 the same tuple in the window of one scan: each connection has its own process", () => {
    const again = CALL.seen(1600);
    const reports = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.inode(70).of(curl)]),
      tick(1200),
      batch(1700, [destroyed(CALL.seen(1000, 1500)), again]),
      table(2000, [CLIENT.inode(71).of(wget)], { startedMs: 1950 }),
      tick(2100),
    ]);
    expect(
      connections(reports[1]!)
        .map((row) => `${row.state} ${row.from}`)
        .sort(),
    ).toEqual(["closed curl(12)", "established wget(30)"]);
  });
});

describe("F29 events and scans out of step", () => {
  test("F29 events that come after the socket is gone still find its process", () => {
    const [report] = run([
      table(1000, [CLIENT.of(curl)]),
      table(2000, []),
      batch(2100, [destroyed(CALL.seen(950, 1900))]),
      tick(2200),
    ]);
    expect(people(report!)).toEqual(["curl(12) → no-socket"]);
  });

  test("F29 but not longer than the late-join time", () => {
    const inputs = [
      table(1000, [CLIENT.of(curl)]),
      table(2000, []),
      table(9000, []),
      batch(9100, [CALL.seen(950, 9000)]),
      tick(9200),
    ];
    const from = [10_000, 5000].map((lateJoinMs) => {
      const [report] = run(inputs, { lateJoinMs });
      return connections(report!).find((row) => row.sources.includes("conntrack"))!.from;
    });
    expect(from).toEqual(["curl(12)", "no-socket"]);
  });

  test("F29 a socket seen a moment before its flow's first event is the flow's own", () => {
    const [report] = run([table(1000, [CLIENT.of(curl)]), batch(1060, [CALL.seen(1050)]), tick(1100)]);
    expect(people(report!)).toEqual(["curl(12) → no-socket"]);
  });

  test("F29 a process is preferred over the TIME_WAIT that its socket has left behind", () => {
    const [report] = run([
      table(1000, [CLIENT.of(curl)]),
      table(2000, [CLIENT.state("timeWait").orphaned()]),
      batch(2100, [CALL.state("timeWait").seen(950, 1900)]),
      tick(2200),
    ]);
    expect(only(report!).from).toBe("curl(12)");
  });

  test("F29 the kernel's own timestamp tells when a flow really began", () => {
    const late = CALL.seen(1900, 2000);
    const inputs = (call: typeof late): Parameters<typeof run>[0] => [
      table(1000, [CLIENT.of(curl)]),
      table(1500, []),
      batch(2100, [destroyed(call)]),
      tick(2200),
    ];
    const from = [late, late.started(950)].map((call) => {
      const [report] = run(inputs(call));
      return connections(report!).find((row) => row.sources.includes("conntrack"))!.from;
    });
    expect(from).toEqual(["no-socket", "curl(12)"]);
  });
});

describe("F30 every end without a process has a reason", () => {
  const namespaces = [namespace(HOST, "10.0.0.1")];
  const cases: readonly [string, Parameters<typeof run>[0], string][] = [
    ["before any scan", [batch(1000, [CALL])], "unavailable → unavailable"],
    ["not on this host", [batch(1000, [CALL]), table(1100, [CLIENT.of(curl)], { namespaces })], "curl(12) → not-local"],
    ["on this host, but no socket", [batch(1000, [CALL]), table(1100, [], { namespaces })], "no-socket → not-local"],
    [
      "a kernel socket",
      [batch(1000, [CALL]), table(1100, [CLIENT.without("no-process")], { namespaces })],
      "no-process → not-local",
    ],
    [
      "another user's process",
      [batch(1000, [CALL]), table(1100, [CLIENT.without("permission")], { namespaces })],
      "permission → not-local",
    ],
    [
      "a scan that failed",
      [batch(1000, [CALL]), table(1100, [], { health: { state: "off", reason: "no-proc" } })],
      "unavailable → unavailable",
    ],
    [
      "a scan that was switched off",
      [batch(1000, [CALL]), table(1100, [], { health: { state: "off", reason: "switched-off" } })],
      "off → off",
    ],
  ];
  test.each(cases)("F30 %s", (_, inputs, expected) => {
    const [report] = run([...inputs, tick(2000)]);
    expect(people(report!)).toEqual([expected]);
  });

  test("F30 a reason that says more is not replaced by one that says less", () => {
    const reports = run([
      batch(1000, [CALL]),
      table(1100, [CLIENT.without("permission")], { namespaces }),
      tick(1200),
      table(20_000, [], { namespaces }),
      tick(20_100),
    ]);
    expect(reports.map((report) => only(report).from)).toEqual(["permission", "permission"]);
  });
});

describe("the listener of a port", () => {
  const namespaces = [namespace(HOST, "10.0.0.1", "10.0.0.2", "fd00::2"), namespace(POD, "10.1.0.2")];
  const to = (call: typeof CALL, ...sockets: Parameters<typeof table>[1][number][]): string => {
    const [report] = run([table(900, sockets, { namespaces }), batch(1000, [call]), tick(2000)]);
    return only(report!).to;
  };

  test("owns the server's end whose own socket nobody saw", () => {
    expect(to(CALL, listener("10.0.0.2:80").of(nginx))).toBe("nginx(7)*");
    expect(to(CALL, listener("0.0.0.0:80").of(nginx))).toBe("nginx(7)*");
    expect(to(CALL, listener("[::]:80").dualStack().of(nginx))).toBe("nginx(7)*");
  });

  test("does not when it listens on another port, address, family or protocol", () => {
    expect(to(CALL, listener("0.0.0.0:81").of(nginx))).toBe("no-socket");
    expect(to(CALL, listener("10.0.0.1:80").of(nginx))).toBe("no-socket");
    expect(to(CALL, listener("[::]:80").of(nginx))).toBe("no-socket");
    expect(to(CALL, boundUdp("0.0.0.0:80").of(nginx))).toBe("no-socket");
    expect(to(flow("[fd00::1]:40000 > [fd00::2]:80"), listener("0.0.0.0:80").of(nginx))).toBe("no-socket");
  });

  test("bound to the very address beats the wildcard, and the wildcard of the family beats dual stack", () => {
    const exact = listener("10.0.0.2:80").of(nginx);
    const wildcard = listener("0.0.0.0:80").of(wget);
    const dual = listener("[::]:80").dualStack().of(curl);
    for (const order of [
      [exact, wildcard, dual],
      [dual, wildcard, exact],
    ])
      expect(to(CALL, ...order)).toBe("nginx(7)*");
    for (const order of [
      [wildcard, dual],
      [dual, wildcard],
    ])
      expect(to(CALL, ...order)).toBe("wget(30)*");
  });

  test("is looked for in the namespace that has the address", () => {
    const call = flow("10.0.0.1:40000 > 10.1.0.2:80");
    expect(to(call, listener("0.0.0.0:80").of(wget), listener("0.0.0.0:80").in(POD).of(nginx))).toBe("nginx(7)*");
    expect(to(call, listener("0.0.0.0:80").of(wget))).toBe("no-socket");
  });

  test("is never a remote service's, however well the port fits", () => {
    expect(to(flow("10.0.0.1:40000 > 192.0.2.1:80"), listener("0.0.0.0:80").of(nginx))).toBe("not-local");
  });

  test("gives way to the end's own socket as soon as that is seen", () => {
    const reports = run([
      table(900, [listener("0.0.0.0:80").of(nginx)], { namespaces }),
      batch(1000, [CALL]),
      tick(1100),
      table(2000, [listener("0.0.0.0:80").of(nginx), SERVER.of(wget)], { namespaces }),
      tick(2100),
    ]);
    expect(reports.map((report) => only(report).to)).toEqual(["nginx(7)*", "wget(30)"]);
  });

  test("stays with a flow that ends after the listener is gone", () => {
    const reports = run([
      table(900, [listener("0.0.0.0:80").of(nginx)], { namespaces }),
      batch(1000, [CALL]),
      tick(1100),
      table(2000, [], { namespaces }),
      batch(2100, [destroyed(CALL)]),
      tick(2200),
    ]);
    expect(only(reports[1]!).to).toBe("nginx(7)*");
  });

  test("that came after the flow had ended does not own it", () => {
    const [report] = run([
      batch(1000, [destroyed(CALL.seen(900, 950))]),
      table(1500, [listener("0.0.0.0:80").of(nginx)], { namespaces }),
      tick(2000),
    ]);
    expect(only(report!).to).toBe("no-socket");
  });

  test("of UDP is the unconnected socket, at the server's end and at the client's", () => {
    const [report] = run([
      table(900, [boundUdp("0.0.0.0:53").of(nginx), boundUdp("10.0.0.1:40000").of(curl)], { namespaces }),
      batch(1000, [flow("10.0.0.1:40000 > 10.0.0.2:53").udp()]),
      tick(2000),
    ]);
    expect(people(report!)).toEqual(["curl(12)* → nginx(7)*"]);
  });

  test("of TCP says nothing about a client's end", () => {
    const [report] = run([
      table(900, [listener("0.0.0.0:40000").of(nginx)], { namespaces }),
      batch(1000, [CALL]),
      tick(2000),
    ]);
    expect(only(report!).from).toBe("no-socket");
  });
});

test("F27 a datagram's flow whose end was read late does not own the socket of the next one with its ports", () => {
  const ends = "10.0.0.1:40000 > 192.0.2.1:53";
  const namespaces = [namespace(HOST, "10.0.0.1")];
  const first = flow(ends).udp().seen(1000);
  const again = flow(ends).udp().id(9).seen(2250);
  const [report] = run([
    batch(1000, [first]),
    table(1100, [socket(ends).udp().of(curl)], { namespaces }),
    batch(2300, [destroyed(first.seen(1000, 2250)), again]),
    table(2200, [socket(ends).udp().inode(77).of(wget)], { namespaces }),
    tick(2400),
  ]);
  expect(people(report!).sort()).toEqual(["curl(12) → not-local", "wget(30) → not-local"]);
});

test("F27 a socket that may be of either of two connections stays nobody's when the row of the first is gone", () => {
  const ends = "10.0.0.1:40000 > 192.0.2.1:443";
  const namespaces = [namespace(HOST, "10.0.0.1")];
  const first = flow(ends).seen(1100).readAfter(900);
  const again = flow(ends).id(9).seen(1101).readAfter(900);
  const reports = run([
    table(1050, [socket(ends).of(curl)], { namespaces, startedMs: 1005 }),
    batch(1200, [first.state("timeWait"), again]),
    tick(1300),
    table(2000, [], { namespaces }),
    tick(2100),
    batch(2200, [again.state("timeWait").seen(1101, 2150)]),
    table(2300, [], { namespaces }),
    tick(2400),
  ]);
  expect(reports.map(people)).toEqual([
    ["no-socket → not-local", "no-socket → not-local"],
    ["no-socket → not-local"],
    ["no-socket → not-local"],
  ]);
});

test("F27 a datagram's flow does not take the vanished socket of the one before, whose end was read together with its beginning", () => {
  const ends = "10.0.0.1:40000 > 192.0.2.1:443";
  const namespaces = [namespace(HOST, "10.0.0.1")];
  const first = flow(ends).udp().seen(500);
  const again = flow(ends).udp().id(9).seen(1101).readAfter(550);
  const reports = run([
    batch(520, [first]),
    table(600, [socket(ends).udp().of(curl)], { namespaces, startedMs: 545 }),
    table(700, [], { namespaces, startedMs: 690 }),
    batch(1200, [destroyed(first.seen(500, 1100).readAfter(550)), again]),
    tick(1400),
    table(2000, [], { namespaces }),
    batch(2200, [destroyed(again)]),
    tick(2400),
  ]);
  expect(reports.map((report) => people(report).sort())).toEqual([
    ["curl(12) → not-local", "no-socket → not-local"],
    ["no-socket → not-local"],
  ]);
});

test("F27 a flow known from a dump keeps the process of its own socket when that vanishes: an earlier one with its tuple, which was no flow's, is not taken", () => {
  const ends = "10.0.0.1:40000 > 192.0.2.1:443";
  const namespaces = [namespace(HOST, "10.0.0.1")];
  const reports = run([
    table(1000, [socket(ends).inode(5).of(curl)], { namespaces }),
    table(2000, [socket(ends).inode(77).of(wget)], { namespaces }),
    batch(2100, [flow(ends).fromDump().seen(2100)]),
    table(3000, [socket(ends).inode(77).of(wget)], { namespaces }),
    tick(3100),
    table(4000, [], { namespaces }),
    tick(4100),
  ]);
  const ofFlow = reports.map((report) => connections(report).filter(({ sources }) => sources.includes("conntrack")));
  expect(ofFlow.map((rows) => rows.map(({ from }) => from))).toEqual([["wget(30)"], ["wget(30)"]]);
});

test("F27 a flow that a later dump tells of takes no socket of a connection with its ends that was told as over", () => {
  const ends = "10.0.0.1:40000 > 192.0.2.1:443";
  const namespaces = [namespace(HOST, "10.0.0.1")];
  const reports = run([
    batch(900, []),
    table(1000, [socket(ends).of(curl)], { namespaces }),
    batch(1100, []),
    tick(1200),
    batch(1900, []),
    table(2000, [], { namespaces }),
    batch(2100, []),
    tick(2200),
    batch(2300, [flow(ends).state("timeWait").fromDump().seen(2300)]),
    tick(2400),
  ]);
  expect(reports.map(people)).toEqual([["curl(12) → not-local"], ["curl(12) → not-local"], ["no-socket → not-local"]]);
});

test.each([
  ["the same way round", flow("10.0.0.1:40000 > 192.0.2.1:443")],
  ["the other way round", flow("192.0.2.1:443 > 10.0.0.1:40000")],
])(
  "F27 an entry without events, %s, is given no socket of the connection that began anew with its tuple",
  (_, entry) => {
    const ends = "10.0.0.1:40000 > 192.0.2.1:443";
    const namespaces = [namespace(HOST, "10.0.0.1")];
    const old = entry.fromDump().seen(900);
    const reports = run([
      batch(900, [old]),
      table(1000, [socket(ends).inode(5).of(curl)], { namespaces }),
      tick(1100),
      batch(1500, [flow(ends).id(9).seen(1500)]),
      table(2000, [socket(ends).inode(77).of(wget)], { namespaces }),
      batch(2100, [swept(old)]),
      tick(2200),
      table(3000, [socket(ends).inode(77).of(wget)], { namespaces }),
      tick(3200),
    ]);
    const ofEnd = reports.map((report) =>
      connections(report)
        .flatMap(({ from, to }) => [from, to])
        .filter((who) => /curl|wget/.test(who))
        .sort(),
    );
    expect(ofEnd).toEqual([["curl(12)"], ["curl(12)", "wget(30)"], ["wget(30)"]]);
  },
);

test("a scan that saw nothing because it failed ends no connection and takes no owner away", () => {
  const reports = run([
    batch(1000, [CALL]),
    table(1100, [CLIENT.of(curl), socket("10.0.0.1:50000 > 10.0.0.3:22").of(wget)]),
    tick(1200),
    table(2000, [], { health: { state: "off", reason: "failed" } }),
    tick(2100),
  ]);
  expect(people(reports[1]!)).toEqual(people(reports[0]!));
  expect(lines(reports[1]!)).toEqual(lines(reports[0]!));
  expect(reports[1]!.health.sockets).toMatchObject({ state: "off", reason: "failed", timeMs: 1100 });
});

test("a snapshot lists each owner once, and only those that it refers to", () => {
  const calls = [40_000, 40_001].map((port) => flow(`10.0.0.1:${port} > 10.0.0.2:80`));
  const sockets = [40_000, 40_001].map((port) => socket(`10.0.0.1:${port} > 10.0.0.2:80`).of(curl));
  const [report] = run([
    batch(1000, calls),
    table(1100, [...sockets, listener("0.0.0.0:9").of(owner(99, "idle"))]),
    tick(2000),
  ]);
  expect(report!.owners).toEqual([curl]);
});

test("owners that no row refers to any more are forgotten, and nothing else is", () => {
  const inputs = Array.from({ length: 40 }, (_, round) => [
    table(
      1000 + round * 20_000,
      Array.from({ length: 100 }, (__, i) =>
        socket(`10.0.0.1:${10_000 + round * 100 + i} > 10.0.0.2:80`).of(owner(1000 + round * 100 + i, "short")),
      ).concat(CLIENT.of(curl)),
    ),
    tick(1500 + round * 20_000),
  ]).flat();
  const reports = run([batch(900, [CALL]), ...inputs]);
  for (const report of reports) {
    expect(connections(report).find((row) => row.sources.includes("conntrack"))!.from).toBe("curl(12)");
    for (const row of connections(report)) expect(row.from).toMatch(/^(short|curl)\(\d+\)$/);
  }
});
