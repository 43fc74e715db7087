/** Names beside addresses: asked once per address, never waited for. */
import { formatAddress, type NamesHealth, type Snapshot } from "@conntrail/model";
import { attachNames, merge, type NameSource } from "@conntrail/stages";
import { from } from "rxjs";
import { describe, expect, test } from "vitest";
import { batch, type FlowFixture, flow, HOST } from "./flow-fixture.ts";
import { connections, tick } from "./snapshot-view.ts";
import { namespace, table } from "./socket-fixture.ts";

const HEALTH: NamesHealth = {
  state: "ok",
  reason: null,
  cached: 2,
  pending: 1,
  requests: 3,
  hits: 2,
  lookups: 1,
  failures: 0,
  dropped: 0,
};

/** A source that knows these names, and notes what it was asked for. */
function source(known: Readonly<Record<string, readonly string[]>>, asked: string[] = []): NameSource {
  return {
    get: (words, offset) => {
      const address = formatAddress(words, offset);
      asked.push(address);
      return known[address];
    },
    health: () => HEALTH,
  };
}

function report(flows: readonly FlowFixture[], names: NameSource): Snapshot {
  const snapshots: Snapshot[] = [];
  from([table(900, [], { namespaces: [namespace(HOST, "10.0.0.1")] }), batch(1000, flows), tick(2000)])
    .pipe(merge(), attachNames(names))
    .subscribe({
      next: (snapshot) => snapshots.push(snapshot),
      error: (error: unknown) => {
        throw error;
      },
    });
  return snapshots[0]!;
}

/** The names of both ends of each row. */
function named({ columns, names }: Snapshot): (readonly string[])[][] {
  return Array.from({ length: columns.length }, (_, row) =>
    [columns.fromNames[row]!, columns.toNames[row]!].map((place) => names[place - 1] ?? []),
  );
}

describe("S15 names", () => {
  test("S15 are put to both real ends where they are known", () => {
    const flows = [flow("10.0.0.1:40000 > 10.9.9.9:80").dnat("10.0.0.2:8080"), flow("10.0.0.3:40000 > 192.0.2.1:80")];
    const known = { "10.0.0.2": ["web.example", "www.example"], "10.0.0.1": ["client.example"], "10.9.9.9": ["vip"] };
    expect(named(report(flows, source(known)))).toEqual([
      [["client.example"], ["web.example", "www.example"]],
      [[], []],
    ]);
  });

  test("S15 are asked for once per address and report, `to` ends first", () => {
    const asked: string[] = [];
    const flows = [1, 2, 3].map((i) => flow(`10.0.0.1:${i} > 10.0.0.2:80`)).concat(flow("10.0.0.2:9 > 10.0.0.4:80"));
    const snapshot = report(flows, source({ "10.0.0.2": ["web.example"] }, asked));
    expect(asked).toEqual(["10.0.0.2", "10.0.0.4", "10.0.0.1"]);
    expect(snapshot.names).toEqual([["web.example"]]);
  });

  test("S15 of thousands of addresses are kept apart", () => {
    const address = (i: number): string => `10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    const flows = Array.from({ length: 2000 }, (_, i) => flow(`10.0.0.1:40000 > ${address(i)}:80`));
    const known = Object.fromEntries(flows.map((_, i) => [address(i), [`host-${i}.example`]]));
    expect(named(report(flows, source(known))).map(([, to]) => to)).toEqual(flows.map((_, i) => [`host-${i}.example`]));
  });

  test("S15 an empty answer is no name", () => {
    const snapshot = report([flow("10.0.0.1:1 > 10.0.0.2:80")], source({ "10.0.0.2": [] }));
    expect(snapshot.names).toEqual([]);
    expect(snapshot.columns.toNames[0]).toBe(0);
  });

  test("S15 come with the health of their source", () => {
    expect(report([], source({})).health.names).toEqual(HEALTH);
  });
});

describe("F42 the tool's own queries", () => {
  const query = flow("10.0.0.1:50001 > 10.0.0.53:53").udp();

  test("F42 are tagged by the ports that the source asks from", () => {
    const names = { ...source({}), ownPorts: () => [50_001, 50_002] };
    const flows = [
      query,
      flow("10.0.0.1:50003 > 10.0.0.53:53").udp(),
      flow("10.0.0.8:50001 > 10.0.0.53:53").udp(),
      flow("10.0.0.1:50002 > 10.0.0.53:53"),
    ];
    const tagged = connections(report(flows, names)).map((row) => row.flags.includes("selfTraffic"));
    expect(tagged).toEqual([true, false, false, true]);
  });

  test("F42 are not tagged when the source does not say", () => {
    expect(connections(report([query], source({})))[0]!.flags).not.toContain("selfTraffic");
  });
});
