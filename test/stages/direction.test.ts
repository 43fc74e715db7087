/** Who opened a connection, by what evidence, and how sure that is. */
import { describe, expect, test } from "vitest";
import { batch, flow, HOST } from "./flow-fixture.ts";
import { connections, only, run, tick } from "./snapshot-view.ts";
import { boundUdp, listener, namespace, type SocketFixture, socket, table } from "./socket-fixture.ts";

const namespaces = [namespace(HOST, "10.0.0.1", "10.0.0.2")];
/** The guess is asked for. */
const GUESS = { portOrder: true };

/** `ends evidence confidence` of the only connection. */
function verdict(report: ReturnType<typeof run>[number] | undefined): string {
  const { ends, evidence, confidence } = only(report!);
  return `${ends} ${evidence} ${confidence}`;
}

describe("S13 a flow", () => {
  const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");
  const LISTENER = listener("0.0.0.0:80");
  const BACKWARDS = flow("10.0.0.2:80 > 10.0.0.1:40000").counted(1, 10, 2, 20);
  const cases: readonly [string, ReturnType<typeof flow>, SocketFixture[], string][] = [
    ["seen from its start", CALL, [], "10.0.0.1:40000 > 10.0.0.2:80 conntrack certain"],
    [
      "seen from its start, whatever listens at the client",
      CALL,
      [listener("0.0.0.0:40000")],
      "10.0.0.1:40000 > 10.0.0.2:80 conntrack certain",
    ],
    ["from a dump", CALL.fromDump(), [], "10.0.0.1:40000 > 10.0.0.2:80 conntrack likely"],
    ["whose NEW was lost", CALL.beganUnseen(), [], "10.0.0.1:40000 > 10.0.0.2:80 conntrack likely"],
    [
      "from a dump, confirmed by a listener",
      CALL.fromDump(),
      [LISTENER],
      "10.0.0.1:40000 > 10.0.0.2:80 conntrack certain",
    ],
    [
      "from a dump, contradicted by a listener",
      BACKWARDS.fromDump(),
      [LISTENER],
      "10.0.0.1:40000 > 10.0.0.2:80 listener certain",
    ],
    [
      "from a dump, with listeners at both ends",
      CALL.fromDump(),
      [LISTENER, listener("0.0.0.0:40000")],
      "10.0.0.1:40000 > 10.0.0.2:80 conntrack likely",
    ],
    [
      "picked up in its middle, with a listener",
      CALL.pickedUp(),
      [LISTENER],
      "10.0.0.1:40000 > 10.0.0.2:80 listener certain",
    ],
    [
      "picked up backwards, with a listener",
      BACKWARDS.pickedUp(),
      [LISTENER],
      "10.0.0.1:40000 > 10.0.0.2:80 listener certain",
    ],
    ["picked up backwards, without", BACKWARDS.pickedUp(), [], "10.0.0.1:40000 > 10.0.0.2:80 ephemeral-port likely"],
    [
      "picked up between two ports below the range",
      flow("10.0.0.2:179 > 10.0.0.1:5000").pickedUp(),
      [],
      "10.0.0.1:5000 > 10.0.0.2:179 port-order guess",
    ],
    [
      "UDP of a dump, whose client is merely bound",
      flow("10.0.0.1:40000 > 10.0.9.9:53").udp().fromDump(),
      [boundUdp("0.0.0.0:40000")],
      "10.0.0.1:40000 > 10.0.9.9:53 conntrack likely",
    ],
  ];
  test.each(cases)("S13 %s", (_, call, sockets, expected) => {
    const [report] = run([table(900, sockets, { namespaces }), batch(1000, [call]), tick(2000)], GUESS);
    expect(verdict(report)).toBe(expected);
  });

  test("S13 turned round, counters and translation turn with it", () => {
    const call = flow("10.0.0.2:8080 > 10.0.0.1:40000").dnat("10.0.0.9:50000").pickedUp().counted(1, 10, 2, 20);
    const [report] = run([table(900, [listener("10.0.0.2:8080")], { namespaces }), batch(1000, [call]), tick(2000)]);
    expect(only(report!)).toMatchObject({
      ends: "10.0.0.9:50000 > 10.0.0.2:8080",
      visible: "10.0.0.1:40000 > 10.0.0.2:8080",
      counters: [2, 20, 1, 10],
      nat: "snat",
    });
  });

  test("S13 keeps what a listener proved after the listener is gone", () => {
    const reports = run([
      table(900, [LISTENER], { namespaces }),
      batch(1000, [BACKWARDS.fromDump()]),
      tick(1100),
      table(2000, [], { namespaces }),
      tick(2100),
    ]);
    expect(reports.map(verdict)).toEqual(Array(2).fill("10.0.0.1:40000 > 10.0.0.2:80 listener certain"));
  });
});

describe("F20 a connection that existed at the start", () => {
  test("F20 on loopback has the direction of its listener, whichever socket comes first", () => {
    const sockets = [
      socket("127.0.0.1:5432 > 127.0.0.1:6000"),
      socket("127.0.0.1:6000 > 127.0.0.1:5432"),
      listener("127.0.0.1:6000"),
    ];
    for (const order of [sockets, sockets.toReversed()]) {
      const [report] = run([table(1000, order, { namespaces }), tick(2000)]);
      expect(verdict(report)).toBe("127.0.0.1:5432 > 127.0.0.1:6000 listener certain");
    }
  });

  test("F20 whose dump row is the wrong way round is put right by the listener", () => {
    const [report] = run([
      batch(1000, [flow("127.0.0.1:6000 > 127.0.0.1:5432").fromDump()]),
      table(1100, [listener("127.0.0.1:6000")], { namespaces }),
      tick(2000),
    ]);
    expect(verdict(report)).toBe("127.0.0.1:5432 > 127.0.0.1:6000 listener certain");
  });
});

describe("F21 a listener that is seen late", () => {
  test("F21 corrects a connection that had a worse direction", () => {
    const connection = socket("10.0.0.2:9000 > 10.0.0.9:8000");
    const reports = run(
      [
        table(1000, [connection], { namespaces }),
        tick(1100),
        table(2000, [connection, listener("0.0.0.0:9000")], { namespaces }),
        tick(2100),
        table(3000, [connection], { namespaces }),
        tick(3100),
      ],
      GUESS,
    );
    expect(reports.map(verdict)).toEqual([
      "10.0.0.2:9000 > 10.0.0.9:8000 port-order guess",
      "10.0.0.9:8000 > 10.0.0.2:9000 listener certain",
      "10.0.0.9:8000 > 10.0.0.2:9000 listener certain",
    ]);
  });

  test("F21 corrects a flow that was picked up", () => {
    const reports = run(
      [
        batch(1000, [flow("10.0.0.2:9000 > 10.0.0.1:8000").pickedUp()]),
        table(1100, [], { namespaces }),
        tick(1200),
        table(2000, [listener("0.0.0.0:9000")], { namespaces }),
        tick(2100),
      ],
      GUESS,
    );
    expect(reports.map(verdict)).toEqual([
      "10.0.0.2:9000 > 10.0.0.1:8000 port-order guess",
      "10.0.0.1:8000 > 10.0.0.2:9000 listener certain",
    ]);
  });
});

describe("F22 F23 without evidence", () => {
  test("F22 two equal ports have no direction, and a stable order", () => {
    const sides = [socket("10.0.0.1:179 > 10.0.0.2:179"), socket("10.0.0.2:179 > 10.0.0.1:179")];
    const verdicts = [sides, sides.toReversed(), [sides[0]!], [sides[1]!]].map((sockets) => {
      const [report] = run([table(1000, sockets, { namespaces }), tick(2000)]);
      return verdict(report);
    });
    expect(verdicts).toEqual(Array(4).fill("10.0.0.1:179 > 10.0.0.2:179 none none"));
  });

  test("F23 two ports below the range have none either, unless a guess by their order is asked for", () => {
    const inputs = [
      table(1000, [socket("10.0.0.1:8080 > 10.0.9.9:9090")], { namespaces }),
      batch(1000, [flow("10.0.0.2:179 > 10.0.0.1:5000").pickedUp()]),
      tick(2000),
    ];
    const verdicts = [undefined, GUESS].map((options) =>
      connections(run(inputs, options)[0]!)
        .map(({ ends, evidence }) => `${ends} ${evidence}`)
        .sort(),
    );
    expect(verdicts).toEqual([
      ["10.0.0.1:5000 > 10.0.0.2:179 none", "10.0.0.1:8080 > 10.0.9.9:9090 none"],
      ["10.0.0.1:5000 > 10.0.0.2:179 port-order", "10.0.9.9:9090 > 10.0.0.1:8080 port-order"],
    ]);
  });

  test("F23 two ephemeral ports have none, whichever is lower", () => {
    const [report] = run([table(1000, [socket("10.0.0.2:33000 > 10.0.0.1:44000")], { namespaces }), tick(2000)]);
    expect(verdict(report)).toBe("10.0.0.1:44000 > 10.0.0.2:33000 none none");
  });

  test("F23 a picked-up flow between ephemeral ports has none, whichever packet came first", () => {
    const verdicts = ["10.0.0.2:33000 > 10.0.0.1:44000", "10.0.0.1:44000 > 10.0.0.2:33000"].map((ends) => {
      const [report] = run([batch(1000, [flow(ends).pickedUp()]), tick(2000)]);
      return verdict(report);
    });
    expect(verdicts).toEqual(Array(2).fill("10.0.0.1:44000 > 10.0.0.2:33000 none none"));
  });

  test("F23 a listener at both ends decides nothing", () => {
    const sockets = [socket("127.0.0.1:33000 > 127.0.0.1:44000"), listener("0.0.0.0:33000"), listener("0.0.0.0:44000")];
    const [report] = run([table(1000, sockets, { namespaces }), tick(2000)]);
    expect(verdict(report)).toBe("127.0.0.1:33000 > 127.0.0.1:44000 none none");
  });
});

describe("S13 a connection that only sockets show", () => {
  const cases: readonly [string, SocketFixture[], string][] = [
    [
      "is opened by the side that is in SYN_SENT",
      [socket("10.0.0.1:1000 > 10.0.9.9:2000").state("synSent")],
      "10.0.0.1:1000 > 10.0.9.9:2000 ephemeral-port likely",
    ],
    [
      "is opened from the ephemeral port",
      [socket("10.0.0.1:8080 > 10.0.9.9:40000")],
      "10.0.9.9:40000 > 10.0.0.1:8080 ephemeral-port likely",
    ],
    [
      "is served at the lower port, as a guess",
      [socket("10.0.0.1:8080 > 10.0.9.9:9090")],
      "10.0.9.9:9090 > 10.0.0.1:8080 port-order guess",
    ],
    [
      "is served where a listener is, however high its port",
      [socket("10.0.0.1:50000 > 10.0.9.9:40000"), listener("10.0.0.1:50000")],
      "10.0.9.9:40000 > 10.0.0.1:50000 listener certain",
    ],
    [
      "is not served by a listener of another namespace",
      [socket("10.0.0.1:50000 > 10.0.9.9:40000"), listener("0.0.0.0:50000").in(HOST + 1)],
      "10.0.0.1:50000 > 10.0.9.9:40000 none none",
    ],
  ];
  test.each(cases)("S13 %s", (_, sockets, expected) => {
    const [report] = run([table(1000, sockets, { namespaces }), tick(2000)], GUESS);
    expect(verdict(report)).toBe(expected);
  });

  test("S13 goes by the ephemeral range of its own namespace", () => {
    const narrow = { ...namespace(HOST, "10.0.0.1"), ephemeral: { low: 10_000, high: 20_000 } };
    const [report] = run([
      table(1000, [socket("10.0.0.1:15000 > 10.0.9.9:40000")], { namespaces: [narrow] }),
      tick(2000),
    ]);
    expect(verdict(report)).toBe("10.0.0.1:15000 > 10.0.9.9:40000 ephemeral-port likely");
  });

  test("S13 keeps the better evidence that it once had", () => {
    const reports = run([
      table(1000, [socket("10.0.0.1:1000 > 10.0.9.9:2000").state("synSent")], { namespaces }),
      tick(1100),
      table(2000, [socket("10.0.0.1:1000 > 10.0.9.9:2000")], { namespaces }),
      tick(2100),
    ]);
    expect(reports.map(verdict)).toEqual(Array(2).fill("10.0.0.1:1000 > 10.0.9.9:2000 ephemeral-port likely"));
  });
});
