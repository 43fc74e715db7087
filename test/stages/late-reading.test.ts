/**
 * F33, S6: events read long after the fact. By the moment of its reading the flow looks younger than the scan that saw its sockets, and they are still
 * its own: otherwise one connection is told as ended three times, by its flows and by each of its sockets.
 */
import { expect, test } from "vitest";
import { batch, flow, HOST } from "./flow-fixture.ts";
import { connections, run, tick } from "./snapshot-view.ts";
import { namespace, owner, socket, table } from "./socket-fixture.ts";

const CLIENT = HOST + 1;
const SERVER = HOST + 2;
const facts = {
  namespaces: [namespace(HOST, "10.0.0.1"), namespace(CLIENT, "10.244.0.5"), namespace(SERVER, "10.244.0.6")],
};
const several = { health: { namespaces: 3 } };
const sockets = [
  socket("10.244.0.5:40555 > 10.96.0.2:80").in(CLIENT).of(owner(5000, "client")),
  socket("10.244.0.6:8081 > 10.0.0.1:40555").in(SERVER).of(owner(8081, "server")),
];
const flows = [
  flow("10.244.0.5:40555 > 10.96.0.2:80").dnat("10.244.0.6:8081").snat("10.0.0.1:40555"),
  flow("10.244.0.5:40555 > 10.96.0.2:80").in(CLIENT),
  flow("10.0.0.1:40555 > 10.244.0.6:8081").in(SERVER),
];

/** Lives 2448–2554, scanned 2459–2465; its events are read `lateMs` after its end. */
for (const lateMs of [5, 90, 108, 300]) {
  test(`S6 a connection whose events were read ${lateMs} ms late is told as ended once`, () => {
    const readMs = 2465 + lateMs;
    const reports = run([
      batch(2460, [], several),
      table(2465, sockets, { ...facts, startedMs: 2459 }),
      batch(
        readMs + 20,
        flows.map((each) => each.state("timeWait").seen(readMs).readAfter(2440)),
        several,
      ),
      table(5000, [], { ...facts, startedMs: 4993 }),
      tick(5500),
      tick(5554, true),
    ]);
    const told = reports.flatMap(connections).filter(({ state }) => state === "closed" || state === "failed");
    expect(told.map(({ ends }) => ends)).toEqual(["10.244.0.5:40555 > 10.244.0.6:8081"]);
  });
}
