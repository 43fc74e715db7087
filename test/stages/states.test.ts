/** What the kernel's states become in a report. */
import { CT_SCTP_STATE, FLOW_FLAG, PROTOCOL } from "@conntrail/model";
import { describe, expect, test } from "vitest";
import { batch, destroyed, type FlowFixture, flow, released, swept } from "./flow-fixture.ts";
import { connections, lines, only, run, tick } from "./snapshot-view.ts";
import { boundUdp, listener, socket, table } from "./socket-fixture.ts";

const CLIENT = "10.0.0.1:40000 > 10.0.0.2:80";

describe("a live flow", () => {
  const cases: readonly [string, FlowFixture, string][] = [
    ["SYN_SENT and nothing came back", flow(CLIENT).state("synSent"), "unreplied"],
    ["SYN_RECV", flow(CLIENT).state("synRecv"), "opening"],
    ["a simultaneous open", flow(CLIENT).state("synSent2"), "opening"],
    ["ESTABLISHED", flow(CLIENT), "established"],
    ["FIN_WAIT", flow(CLIENT).state("finWait"), "closing"],
    ["CLOSE_WAIT", flow(CLIENT).state("closeWait"), "closing"],
    ["LAST_ACK", flow(CLIENT).state("lastAck"), "closing"],
    ["UDP with answers", flow(CLIENT).udp(), "established"],
    ["UDP without answers", flow(CLIENT).udp().unreplied(), "unreplied"],
    ["ICMP with answers", flow("10.0.0.1:77 > 10.0.0.2:2048").icmp(), "established"],
    ["GRE without answers", flow(CLIENT).protocol(PROTOCOL.gre).unreplied(), "unreplied"],
    ["SCTP at its first packet", sctp("closed").with({ flags: 0 }), "unreplied"],
    ["SCTP in its handshake", sctp("cookieEchoed"), "opening"],
    ["SCTP established", sctp("established"), "established"],
    ["SCTP shutting down", sctp("shutdownSent"), "closing"],
  ];
  test.each(cases)("%s is told as it is", (_, live, state) => {
    const [report] = run([batch(1000, [live]), tick(2000)]);
    expect(only(report!).state).toBe(state);
  });

  test("S7 a flow that no UPDATE spoke of is not told as established", () => {
    const [report] = run([batch(1000, [flow(CLIENT).neverUpdated()]), tick(2000)]);
    expect(only(report!).state).toBe("opening");
  });

  test("S7 a flow of the initial dump is established without any UPDATE", () => {
    const [report] = run([batch(1000, [flow(CLIENT).neverUpdated().fromDump()]), tick(2000)]);
    expect(only(report!).state).toBe("established");
  });

  test("S7 an attempt that nobody answered is told, not dropped", () => {
    const attempt = flow(CLIENT).state("synSent");
    const reports = run([
      batch(1000, [attempt]),
      tick(2000),
      batch(2500, [destroyed(attempt)]),
      tick(3000),
      tick(4000),
    ]);
    expect(reports.map(lines)).toEqual([
      ["tcp 10.0.0.1:40000 > 10.0.0.2:80 unreplied"],
      ["tcp 10.0.0.1:40000 > 10.0.0.2:80 failed"],
      [],
    ]);
  });
});

describe("an ended flow", () => {
  const cases: readonly [string, Parameters<typeof batch>[1][number], string][] = [
    ["TIME_WAIT", flow(CLIENT).state("timeWait"), "closed"],
    ["CLOSE after data", flow(CLIENT).state("close"), "closed"],
    ["RST in answer to a SYN", flow(CLIENT).refused(), "failed"],
    ["DESTROY of an established flow", destroyed(flow(CLIENT)), "closed"],
    ["DESTROY in the handshake", destroyed(flow(CLIENT).state("synRecv")), "failed"],
    ["F40 DESTROY after NEW only, which the status calls assured", destroyed(assuredWithoutUpdate()), "closed"],
    [
      "TIME_WAIT of a flow whose handshake nobody saw",
      flow(CLIENT).state("timeWait").with({ flags: closedOnly() }),
      "closed",
    ],
    ["DESTROY of answered UDP", destroyed(flow(CLIENT).udp()), "closed"],
    ["DESTROY of unanswered UDP", destroyed(flow(CLIENT).udp().unreplied()), "failed"],
    ["SCTP closed", sctp("closed").with({ flags: closedOnly() }), "failed"],
    ["gone from a dump", swept(flow(CLIENT)), "closed"],
    ["its namespace went away", released(flow(CLIENT)), "closed"],
  ];
  test.each(cases)("%s is told as it ended", (_, ended, state) => {
    const reports = run([batch(1000, [ended]), tick(2000), tick(3000)]);
    expect(only(reports[0]!).state).toBe(state);
    expect(connections(reports[1]!)).toEqual([]);
  });

  test("an end that nobody saw is marked as such", () => {
    const reports = run([
      batch(1000, [swept(flow(CLIENT)), released(flow(CLIENT).id(2)), destroyed(flow(CLIENT).id(3))]),
      tick(2000),
    ]);
    expect(connections(reports[0]!).map((row) => row.flags.includes("endUnseen"))).toEqual([true, true, false]);
  });

  test("F28 a half-closed connection stays as closing for as long as it lasts, and is closed once", () => {
    const half = flow(CLIENT).state("closeWait");
    const reports = run([
      batch(1000, [half]),
      ...[2000, 3000, 4000].map((timeMs) => tick(timeMs)),
      batch(4500, [destroyed(half)]),
      ...[5000, 6000].map((timeMs) => tick(timeMs)),
    ]);
    expect(reports.map((report) => connections(report).map((row) => row.state))).toEqual([
      ["closing"],
      ["closing"],
      ["closing"],
      ["closed"],
      [],
    ]);
  });
});

test("an offloaded flow is marked: its counters may stand still", () => {
  const [report] = run([batch(1000, [flow(CLIENT).offloaded()]), tick(2000)]);
  expect(only(report!).flags).toContain("offloaded");
});

describe("a connection that only sockets show", () => {
  const states: readonly [Parameters<ReturnType<typeof socket>["state"]>[0], string][] = [
    ["established", "established"],
    ["finWait1", "closing"],
    ["finWait2", "closing"],
    ["closeWait", "closing"],
    ["synSent", "opening"],
  ];
  test.each(states)("S11 socket state %s is %s", (name, state) => {
    const [report] = run([table(1000, [socket(CLIENT).state(name)]), tick(2000)]);
    expect(only(report!).state).toBe(state);
  });

  test.each(["timeWait", "synRecv", "newSynRecv", "close", "lastAck", "closing"] as const)(
    "S11 a socket first seen in state %s is none",
    (name) => {
      const [report] = run([table(1000, [socket(CLIENT).state(name)]), tick(2000)]);
      expect(connections(report!)).toEqual([]);
    },
  );

  test.each(["lastAck", "closing"] as const)("a known connection goes on in state %s", (name) => {
    const reports = run([
      table(1000, [socket(CLIENT)]),
      tick(1500),
      table(2000, [socket(CLIENT).state(name)]),
      tick(2500),
      table(3000, [socket(CLIENT).state("timeWait")]),
      tick(3500),
      tick(4500),
    ]);
    expect(reports.map((report) => connections(report).map((row) => row.state))).toEqual([
      ["established"],
      ["closing"],
      ["closed"],
      [],
    ]);
  });

  test("listeners and unconnected UDP sockets are no connections", () => {
    const [report] = run([
      table(1000, [listener("0.0.0.0:80"), listener("[::]:80"), boundUdp("0.0.0.0:53")]),
      tick(2000),
    ]);
    expect(connections(report!)).toEqual([]);
  });

  test("a connected UDP socket is one", () => {
    const [report] = run([table(1000, [socket("10.0.0.1:40000 > 10.0.0.2:53").udp()]), tick(2000)]);
    expect(lines(report!)).toEqual(["udp 10.0.0.1:40000 > 10.0.0.2:53 established"]);
  });
});

function sctp(state: keyof typeof CT_SCTP_STATE): FlowFixture {
  const established = state === "cookieEchoed" || state === "closed" ? 0 : FLOW_FLAG.established;
  const flags = FLOW_FLAG.updated | FLOW_FLAG.replied | established;
  return flow(CLIENT).with({ protocol: PROTOCOL.sctp, state: CT_SCTP_STATE[state], flags, status: 0 });
}

function assuredWithoutUpdate(): FlowFixture {
  return flow(CLIENT).with({ state: 1, flags: 0 });
}

function closedOnly(): number {
  return FLOW_FLAG.closed | FLOW_FLAG.updated;
}

describe("F67 the kernel's own word about a flow's beginning", () => {
  const CALL = flow("10.0.0.1:40000 > 10.0.0.2:80");

  test("F67 is believed of a flow that is older than it looks", () => {
    const [report] = run([batch(5000, [CALL.fromDump().seen(5000).started(1000)]), tick(6000)]);
    expect(only(report!).firstSeenMs).toBe(1000);
  });

  test("F67 is not needed where its beginning was seen, and is not believed when it is later than that", () => {
    const [seen] = run([batch(5000, [CALL.seen(5000).started(1000)]), tick(6000)]);
    const [later] = run([batch(5000, [CALL.fromDump().seen(5000).started(9000)]), tick(6000)]);
    expect([only(seen!).firstSeenMs, only(later!).firstSeenMs]).toEqual([5000, 5000]);
  });
});
