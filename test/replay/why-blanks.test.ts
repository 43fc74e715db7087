/** What `conntrail why` says where a row says nothing: whole answers, one for each kind, as people read them (why-blanks.golden.txt). */
import type { FlowBatch, SocketTable } from "@conntrail/model";
import { expect, test } from "vitest";
import { batch, destroyed, type FlowFixture, flow, HOST } from "../stages/flow-fixture.ts";
import { tick } from "../stages/snapshot-view.ts";
import { boundUdp, listener, namespace, owner, type SocketFixture, socket, table } from "../stages/socket-fixture.ts";
import { whyText } from "./why-parts.ts";
import { explainWorld, namesOf, type TracedFact, traced, type WhyWorld } from "./why-world.ts";

/** 10:13:00, and some seconds of it. */
const T = Date.parse("2026-11-27T10:13:00.000Z");
const at = (second: number): number => T + second * 1000;

const [ROUTER, APP, DATABASE, SPARE] = [HOST, HOST + 1, HOST + 2, HOST + 3];
const app = owner(87, "app");
const database = owner(76, "database");
const spare = owner(99, "spare");
const NAMESPACES = [
  { ...namespace(ROUTER, "10.3.0.1", "10.5.0.1"), name: "router" },
  { ...namespace(APP, "10.3.0.2"), name: "app-1" },
  { ...namespace(DATABASE, "10.5.0.2"), name: "database" },
];
const ENDS = "10.3.0.2:38726 > 10.5.0.2:5432";

/** The connection, seen to open in the first second; the kernel counts. */
const open = (ends = ENDS): FlowFixture => flow(ends).in(ROUTER).seen(at(0.5)).counted(6, 812, 5, 4242);
const silent = open().state("synSent").unreplied().counted(2, 120, 0, 0);
const called = socket(ENDS).in(APP).of(app);
const accepted = socket("10.5.0.2:5432 > 10.3.0.2:38726").in(DATABASE).of(database);
const listening = listener("0.0.0.0:5432").in(DATABASE).of(database);
const scan = (second: number, sockets: readonly SocketFixture[], namespaces = NAMESPACES): SocketTable =>
  table(at(second), sockets, { startedMs: at(second) - 20, namespaces });
const told = (second: number, ...flows: Parameters<typeof batch>[1]): FlowBatch =>
  batch(at(second), flows, { cutMs: at(second) });
const opened: TracedFact = { ends: ENDS, role: "opened", by: app, netns: APP, atMs: at(0.49) };

/** A connection that is told in the first second and scanned twice with these sockets. */
function host(
  flows: readonly FlowFixture[],
  sockets: readonly SocketFixture[],
  namespaces = NAMESPACES,
): WhyWorld["inputs"] {
  const scans = [1, 2].flatMap((second) => [told(second), scan(second, sockets, namespaces)]);
  return [traced(at(0.6), [opened]), told(0.6, ...flows), ...scans, told(2.5), tick(at(3))];
}

const untraced = traced(at(0.1), [], { state: "off", reason: "not-permitted" });
/** Its life lay between two scans. */
const short = (first: WhyWorld["inputs"][number]): WhyWorld["inputs"] => [
  first,
  told(1),
  scan(1, [listening]),
  told(2, destroyed(open().seen(at(1.2), at(1.238)).state("timeWait"))),
  scan(2, [listening]),
  told(2.5),
  tick(at(3)),
];
const MOST_NAMES = { "10.3.0.2": "app-1.shop.example" };
const bound = boundUdp("10.5.0.2:53").in(DATABASE).of(database);
const question = flow("10.3.0.2:40001 > 10.5.0.2:53").in(ROUTER).seen(at(0.5)).udp().unreplied().counted(1, 60, 0, 0);

const BLANKS: Readonly<Record<string, readonly [about: string, port: number, world: WhyWorld]>> = {
  "not on this host": ["to.process", 5432, { inputs: host([open()], [called], NAMESPACES.slice(0, 2)) }],
  "gone before a scan, traced": ["from.process", 5432, { inputs: short(traced(at(0.1), [])) }],
  "gone before a scan, not traced": ["from.process", 5432, { inputs: short(untraced) }],
  "still open, and no scan has its socket": ["to.process", 5432, { inputs: host([open()], [called]) }],
  "begun after the latest scan": [
    "from.process",
    5432,
    { inputs: [traced(at(0.1), []), told(1), scan(1, [listening]), told(1.3, open().seen(at(1.2))), tick(at(1.4))] },
  ],
  "a flow of UDP whose sockets are gone": [
    "to.process",
    53,
    {
      inputs: host(
        [question.with({ flags: open().facts.flags & 0xa }).counted(1, 60, 1, 76)],
        [socket("10.3.0.2:40001 > 10.5.0.2:53").udp().in(APP).of(app)],
      ),
    },
  ],
  "a socket that nobody has accepted": [
    "to.process",
    5432,
    {
      inputs: host(
        [open().counted(6, 812, 5, 268)],
        [called, listening.without("no-process"), accepted.without("no-process").inode(0)],
      ),
    },
  ],
  "a socket of the kernel's own server": [
    "to.process",
    5432,
    { inputs: host([open()], [called, listening.without("no-process"), accepted.without("no-process")]) },
  ],
  "a socket without a process": [
    "from.process",
    5432,
    { inputs: host([open()], [called.without("no-process"), accepted]).slice(1) },
  ],
  "a socket that its process let go of": [
    "from.process",
    5432,
    { inputs: host([open()], [called.orphaned().state("finWait2"), accepted.state("closeWait")]).slice(1) },
  ],
  "a process that may not be inspected": [
    "to.process",
    5432,
    { inputs: host([open()], [called, accepted.without("permission")]) },
  ],
  "several sockets fit": [
    "to.process",
    5432,
    {
      inputs: host(
        [open()],
        [called, accepted, accepted.in(SPARE).of(spare)],
        [...NAMESPACES, { ...namespace(SPARE, "10.5.0.2"), name: "spare" }],
      ),
    },
  ],
  "a listener of several programs": [
    "to.process",
    5432,
    { inputs: host([open()], [called, listening, listener("0.0.0.0:5432").inode(7).in(DATABASE).of(spare)]) },
  ],
  "switched off": [
    "process",
    5432,
    { inputs: host([open()], [called.without("off"), accepted.without("off")]).slice(1) },
  ],
  "sockets could not be read": [
    "process",
    5432,
    {
      inputs: [
        told(0.6, open()),
        table(at(1), [], { health: { state: "off", reason: "no-proc", backend: "none" } }),
        told(1.5),
        tick(at(3)),
      ],
    },
  ],
  "no direction": [
    "direction",
    50_000,
    {
      inputs: host(
        [],
        [
          socket("10.3.0.2:38726 > 10.5.0.2:50000").in(APP).of(app),
          socket("10.5.0.2:50000 > 10.3.0.2:38726").in(DATABASE).of(database),
        ],
      ).slice(1),
    },
  ],
  "no answer": ["state", 5432, { inputs: host([silent], [called.state("synSent"), listening]) }],
  "no answer, and nobody listens": ["state", 5432, { inputs: host([silent], [called.state("synSent")]) }],
  "no answer, though the call came in": [
    "state",
    5432,
    { inputs: host([silent, silent.in(DATABASE)], [called.state("synSent"), listening]) },
  ],
  "no answer from elsewhere": [
    "state",
    5432,
    {
      inputs: host(
        [open("10.3.0.2:38726 > 192.0.2.1:5432").state("synSent").unreplied().counted(2, 120, 0, 0)],
        [socket("10.3.0.2:38726 > 192.0.2.1:5432").in(APP).of(app).state("synSent")],
      ).slice(1),
    },
  ],
  "a datagram without an answer, though somebody takes them": [
    "state",
    53,
    { inputs: host([question], [socket("10.3.0.2:40001 > 10.5.0.2:53").udp().in(APP).of(app), bound]).slice(1) },
  ],
  "failed, and how is not kept": [
    "state",
    5432,
    {
      inputs: [
        ...host([], []),
        told(2.6, destroyed(open().counted(1, 60, 1, 40).refused())),
        told(2.7),
        scan(2.8, [], []),
        tick(at(3)),
      ],
      explainBuffer: 1,
    },
  ],
  "failed though something came back, and how is not kept": [
    "state",
    5432,
    {
      inputs: [
        ...host([], []),
        told(2.6, destroyed(open().counted(3, 164, 1, 60).refused())),
        told(2.7),
        scan(2.8, [], []),
        tick(at(3)),
      ],
      explainBuffer: 1,
    },
  ],
  "a ping over IPv6": [
    "state",
    0x8000,
    {
      inputs: [
        told(
          0.6,
          flow("[fd00::1]:7 > [fd00::9]:32768")
            .in(ROUTER)
            .seen(at(0.5))
            .protocol(58)
            .with({ state: 0 })
            .unreplied()
            .counted(1, 64, 0, 0),
        ),
        told(1.5),
        tick(at(3)),
      ],
    },
  ],
  "direction by the ports alone": ["direction", 5432, { inputs: host([], [called, accepted]).slice(1) }],
  "direction of UDP that nothing tracks": [
    "direction",
    8125,
    {
      inputs: host(
        [],
        [
          socket("10.3.0.2:40001 > 10.5.0.2:8125").udp().in(APP).of(app),
          boundUdp("0.0.0.0:8125").in(DATABASE).of(database),
        ],
      ).slice(1),
    },
  ],
  "no name: there is none": [
    "to.names",
    5432,
    {
      inputs: host([open()], [called, accepted]),
      names: namesOf(MOST_NAMES, { outcome: "none", servers: ["10.6.0.2"], queries: 1 }),
    },
  ],
  "no name: the servers do not answer": [
    "to.names",
    5432,
    {
      inputs: host([open()], [called, accepted]),
      names: namesOf(MOST_NAMES, {
        outcome: "failed",
        failure: "timeout",
        servers: ["10.6.0.2", "10.6.0.3:5353"],
        queries: 2,
      }),
    },
  ],
  "no name: the answer is not there yet": [
    "to.names",
    5432,
    {
      inputs: host([open()], [called, accepted]),
      names: namesOf(MOST_NAMES, { outcome: "waiting", servers: ["10.6.0.2"], queries: 1 }, { pending: 1 }),
    },
  ],
  "no name: nobody is asked": [
    "names",
    5432,
    {
      inputs: host(
        [open("127.0.0.1:38726 > 127.0.0.1:5432")],
        [
          socket("127.0.0.1:38726 > 127.0.0.1:5432").in(ROUTER).of(app),
          socket("127.0.0.1:5432 > 127.0.0.1:38726").in(ROUTER).of(database),
        ],
      ).slice(1),
      names: namesOf({}, { outcome: "not-asked", servers: [], queries: 0 }),
    },
  ],
  "not in conntrack": [
    "nat",
    5432,
    {
      inputs: [
        batch(at(0.6), [], { cutMs: at(0.6), health: { state: "degraded", reason: "no-rule" } }),
        scan(0.6, [called, accepted, listening]),
        batch(at(1.5), [], { cutMs: at(1.5), health: { state: "degraded", reason: "no-rule" } }),
        tick(at(3)),
      ],
    },
  ],
  "not counted yet": [
    "counters",
    5432,
    { inputs: host([open().counted(-1, -1, -1, -1), open("10.3.0.2:38728 > 10.5.0.2:80")], [called, accepted]) },
  ],
  "not counted": ["counters", 5432, { inputs: host([open().counted(-1, -1, -1, -1)], [called, accepted]) }],
};

test("what thirty-three kinds of blanks say: each answer is whole, and has what was looked for and what to do", async () => {
  const texts = Object.entries(BLANKS).map(([title, [about, port, world]]) => {
    const explained = explainWorld(world, port);
    const blank = explained.blanks.find((each) => each.about.endsWith(about));
    expect(blank, `${title}: ${JSON.stringify(explained.blanks)}`).toMatchObject({
      text: expect.any(String),
      help: expect.any(String),
    });
    return `# ${title}\n\n${whyText({ explanations: [explained], found: 1 }, {})}`;
  });
  expect(texts).toHaveLength(33);
  await expect(texts.join("\n\n")).toMatchFileSnapshot("why-blanks.golden.txt");
});

test("no answer of a blank points at something that is not in it", () => {
  for (const [title, [, port, world]] of Object.entries(BLANKS)) {
    const text = whyText({ explanations: [explainWorld(world, port)], found: 1 }, {});
    expect(text, title).not.toMatch(/\(above\)|\(below\)|No single observation|undefined|null|NaN/);
  }
});
