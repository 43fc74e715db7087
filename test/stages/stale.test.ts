/** Entries that outlive their sockets: what is told of them, and what is taken for one and is none. */
import { describe, expect, test } from "vitest";
import { batch, destroyed, flow, HOST } from "./flow-fixture.ts";
import { connections, only, run, tick } from "./snapshot-view.ts";
import { namespace, owner, type SocketFixture, socket, type TableFacts, table } from "./socket-fixture.ts";

const CURL = owner(7, "curl");
const NGINX = owner(9, "nginx");
const HERE = namespace(HOST, "10.0.0.1");
const CALL = flow("10.0.0.1:40000 > 10.0.0.1:80");
const CLIENT = socket("10.0.0.1:40000 > 10.0.0.1:80").of(CURL);
const SERVER = socket("10.0.0.1:80 > 10.0.0.1:40000").of(NGINX);
const BOTH = [CLIENT, SERVER];

type Input = Parameters<typeof run>[0][number];

/** A batch that tells everything up to its time, then a table behind that cut. */
function scanned(timeMs: number, sockets: readonly SocketFixture[], facts: TableFacts = {}): Input[] {
  return [
    batch(timeMs + 10, [], { cutMs: timeMs + 10 }),
    table(timeMs, sockets, { startedMs: timeMs - 5, namespaces: [HERE], ...facts }),
  ];
}

/** The call and its sockets are seen at 1,100; the inputs follow; the report is made at 9,000. */
function seen(...inputs: readonly Input[][]): Input[] {
  return [
    batch(1_000, [CALL], { cutMs: 1_000 }),
    ...scanned(1_100, BOTH),
    ...inputs.flat(),
    batch(8_990, [], { cutMs: 8_990 }),
    tick(9_000),
  ];
}

const ORDINARY = {
  state: "established",
  from: "curl(7)",
  to: "nginx(9)",
  flags: expect.not.arrayContaining(["stale"]),
};
const STALE = { state: "established", from: "no-socket", to: "no-socket", flags: expect.arrayContaining(["stale"]) };

describe("F50 an entry that outlives both sockets", () => {
  test("F50 is stale with the second table that lacks them, and names nobody", () => {
    const [once] = run(seen(scanned(2_000, [])));
    expect(only(once!)).toMatchObject({ state: "established", from: "curl(7)", to: "nginx(9)" });
    const [twice] = run(seen(scanned(2_000, []), scanned(3_000, [])));
    expect(only(twice!)).toMatchObject(STALE);
  });

  test("F50 is told as closed once, with the processes that it had, when the entry goes", () => {
    const reports = run([
      ...seen(scanned(2_000, []), scanned(3_000, [])),
      batch(9_100, [destroyed(CALL)], { cutMs: 9_100 }),
      tick(9_500),
      tick(9_900),
    ]);
    expect(reports.map((report) => connections(report).map(({ state }) => state))).toEqual([
      ["established"],
      ["closed"],
      [],
    ]);
    expect(only(reports[1]!)).toMatchObject({ from: "curl(7)", to: "nginx(9)" });
  });

  test("F50 is an ordinary one again when a table shows a socket of it", () => {
    const gone = [scanned(2_000, []), scanned(3_000, [])];
    expect(only(run(seen(...gone, scanned(4_000, BOTH)))[0]!)).toMatchObject(ORDINARY);
    expect(only(run(seen(...gone, scanned(4_000, [SERVER])))[0]!)).toMatchObject(ORDINARY);
  });

  test("F50 through two namespaces is so for both", () => {
    const POD = HOST + 1;
    const places = { namespaces: [HERE, namespace(POD, "10.1.0.2")] };
    const inPod = flow("10.1.0.2:40000 > 10.0.0.1:80").in(POD);
    const client = socket("10.1.0.2:40000 > 10.0.0.1:80").in(POD).of(CURL);
    const server = socket("10.0.0.1:80 > 10.1.0.2:40000").of(NGINX);
    const begin = [
      batch(1_000, [inPod, flow("10.1.0.2:40000 > 10.0.0.1:80")], { cutMs: 1_000 }),
      ...scanned(1_100, [client, server], places),
    ];
    const gone = (...last: SocketFixture[]): Input[] => [
      ...scanned(2_000, last, places),
      ...scanned(3_000, last, places),
    ];
    const [whole] = run([...begin, ...gone(), tick(3_100)]);
    expect(only(whole!)).toMatchObject(STALE);
    const [half] = run([...begin, ...gone(client), tick(3_100)]);
    expect(only(half!)).toMatchObject({ from: "curl(7)", to: "nginx(9)" });
    const [unread] = run([...begin, ...scanned(2_000, []), ...scanned(3_000, []), tick(3_100)]);
    expect(only(unread!)).toMatchObject({ from: "curl(7)", to: "nginx(9)" });
  });
});

describe("F50 an entry is not stale", () => {
  const twice = (sockets: readonly SocketFixture[], facts?: TableFacts): Input[][] => [
    scanned(2_000, sockets, facts),
    scanned(3_000, sockets, facts),
  ];

  test.each([
    ["one of its sockets is there", twice([CLIENT])],
    ["the kernel still says goodbye", twice([CLIENT.state("finWait1").orphaned()])],
    ["the tables did not read its namespace", twice([], { namespaces: [] })],
    ["what they read of it is incomplete", twice([], { namespaces: [{ ...HERE, incomplete: true }] })],
    [
      "between the two tables that lack them one has them",
      [scanned(2_000, []), scanned(2_500, BOTH), scanned(3_000, [])],
    ],
  ])("F50 while %s", (_, inputs) => {
    expect(only(run(seen(...inputs))[0]!)).toMatchObject({ from: "curl(7)", to: "nginx(9)" });
    expect(only(run(seen(...inputs))[0]!).flags).not.toContain("stale");
  });

  test("F50 while what conntrack told up to the table is not known", () => {
    const late = [2_000, 3_000].map((timeMs) => table(timeMs, [], { namespaces: [HERE] }));
    const begin = [batch(1_000, [CALL], { cutMs: 1_000 }), ...scanned(1_100, BOTH)];
    expect(only(run([...begin, ...late, tick(3_100)])[0]!)).toMatchObject(ORDINARY);
  });

  test("F50 without a socket that was ever seen: forwarded, or out of reach", () => {
    const begin = [batch(1_000, [CALL], { cutMs: 1_000 })];
    const [report] = run([...begin, ...scanned(1_100, []), ...scanned(2_000, []), ...scanned(3_000, []), tick(3_100)]);
    expect(only(report!).flags).not.toContain("stale");
  });

  test.each([
    ["a datagram's flow", CALL.udp(), BOTH.map((each) => each.udp())],
    ["an attempt", CALL.state("synSent"), [CLIENT.state("synSent")]],
  ])("F50 as %s", (_, call, sockets) => {
    const begin = [batch(1_000, [call], { cutMs: 1_000 }), ...scanned(1_100, sockets)];
    const [report] = run([...begin, ...scanned(2_000, []), ...scanned(3_000, []), tick(3_100)]);
    expect(only(report!)).toMatchObject({ from: "curl(7)" });
    expect(only(report!).flags).not.toContain("stale");
  });
});
