/**
 * F33: the namespaces of one connection were read at moments far apart. Each flow is stamped with the moment of
 * its reading; of a connection shorter than a reading, begin and end have the same stamp. Times are those of a recorded run.
 */
import { expect, test } from "vitest";
import { batch, flow, HOST } from "./flow-fixture.ts";
import { connections, run, tick } from "./snapshot-view.ts";
import { namespace, table } from "./socket-fixture.ts";

const CLIENT = HOST + 1;
const SERVER = HOST + 2;
const facts = {
  namespaces: [namespace(HOST, "10.1.0.1", "10.2.0.1"), namespace(CLIENT, "10.1.0.2"), namespace(SERVER, "10.2.0.2")],
};
const several = { health: { namespaces: 3 } };
const client = flow("10.1.0.2:49214 > 10.9.0.1:80").in(CLIENT).state("timeWait");
const router = flow("10.1.0.2:49214 > 10.9.0.1:80").dnat("10.2.0.2:8080").snat("10.2.0.1:49214").state("timeWait");
const server = flow("10.2.0.1:49214 > 10.2.0.2:8080").in(SERVER).state("timeWait");

for (const skewMs of [50, 99, 101, 147, 500]) {
  test(`F33 one batch has all flows of a short connection, its namespaces read ${skewMs} ms apart: told once`, () => {
    const reports = run([
      batch(600, [], several),
      table(642, [], { ...facts, startedMs: 628 }),
      batch(
        740 + skewMs + 10,
        [client.seen(739), server.seen(740), router.seen(739 + skewMs)].map((each) => each.readAfter(590)),
        several,
      ),
      tick(1500),
      tick(2600),
      tick(2601, true),
    ]);
    const told = reports.flatMap(connections).filter(({ state }) => state === "closed");
    expect(told.map(({ ends }) => ends)).toEqual(["10.1.0.2:49214 > 10.2.0.2:8080"]);
  });
}
