/**
 * F33: a socket table that was taken in before the batch that has its flows. The client's and the server's socket of one translated
 * connection have different ends: only the router's flow brings them together. It waits for the batch whose cut has reached it. Times are those of a recorded run.
 */
import { expect, test } from "vitest";
import { batch as batchOf, flow, HOST } from "./flow-fixture.ts";
import { connections, runBehindCuts as run, tick } from "./snapshot-view.ts";
import { namespace, owner, socket, table } from "./socket-fixture.ts";

/** A batch that has everything up to its own time. */
const batch: typeof batchOf = (timeMs, ...rest) => ({ ...batchOf(timeMs, ...rest), cutMs: timeMs });

const CLIENT = HOST + 1;
const SERVER = HOST + 2;
const curl = owner(12, "curl");
const nginx = owner(7, "nginx");
const facts = {
  namespaces: [namespace(HOST, "10.1.0.1", "10.2.0.1"), namespace(CLIENT, "10.1.0.2"), namespace(SERVER, "10.2.0.2")],
};
const several = { health: { namespaces: 3 } };
const sockets = [
  socket("10.1.0.2:34026 > 10.9.0.1:80").in(CLIENT).of(curl),
  socket("10.2.0.2:8080 > 10.2.0.1:34026").in(SERVER).of(nginx),
];
const flows = [
  flow("10.1.0.2:34026 > 10.9.0.1:80").in(CLIENT),
  flow("10.1.0.2:34026 > 10.9.0.1:80").dnat("10.2.0.2:8080").snat("10.2.0.1:34026"),
  flow("10.2.0.1:34026 > 10.2.0.2:8080").in(SERVER),
];

/** One connection: begins at 1336, is scanned at 1338, ends at 1341; its events are read at 1345, 1350 and 1355. */
function world(tickMs: number): Parameters<typeof run>[0] {
  return [
    batch(1329, [], several),
    table(1340, sockets, { ...facts, startedMs: 1332 }),
    tick(tickMs),
    batch(
      1429,
      flows.map((each, i) =>
        each
          .state("timeWait")
          .seen(1345 + 5 * i, 1369)
          .readAfter(1329),
      ),
      several,
    ),
    table(1440, [], { ...facts, startedMs: 1432 }),
    tick(1609),
    tick(1859),
    tick(1860, true),
  ];
}

test("F33 no report shows one connection through NAT as two, also when its sockets were scanned ahead of its events", () => {
  const reports = run(world(1358));
  expect(reports.map((report) => connections(report).filter(({ count }) => count > 0).length)).not.toContain(2);
});

test("F33 what a report shows of it has its real ends", () => {
  const [first] = run(world(1358));
  for (const { ends } of connections(first!)) expect(ends).toBe("10.1.0.2:34026 > 10.2.0.2:8080");
});
