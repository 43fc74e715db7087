/** Pictures of many: what is alike is drawn together, and counted. */
import { encodeDot, viewReport } from "@conntrail/report";
import { expect, test } from "vitest";
import { makeContent, makeOwner } from "./content.ts";

const text = (...rows: Parameters<typeof makeContent>[0]): string =>
  new TextDecoder().decode(encodeDot(viewReport(makeContent(rows))));
const edges = (dot: string): string[] => dot.split("\n").filter((line) => line.includes(" -> "));
const nodes = (dot: string): string[] =>
  dot.split("\n").filter((line) => /^ {2}"[^>]*\[/.test(line) && !line.includes("->"));

const SERVER = makeOwner(7, "nginx");

test("N23 four hundred clients of one service are one node and one edge, and none is left out of the count", () => {
  const clients = Array.from({ length: 400 }, (_, i) => ({
    from: `10.1.${i >> 8}.${i & 255} 40000`,
    to: "10.0.0.9 443",
    toOwner: SERVER,
    flags: ["toLocal"] as const,
    state: i % 100 === 0 ? ("failed" as const) : ("established" as const),
  }));
  const dot = text(...clients);
  expect(edges(dot)).toHaveLength(1);
  expect(edges(dot)[0]).toMatch(/label="tcp\/443 ×400 \(4 failed\)"/);
  expect(nodes(dot).some((line) => line.includes('label="400 × address"'))).toBe(true);
  expect(nodes(dot)).toHaveLength(2);
});

test("N23 a scan of sixty ports is one edge that counts them", () => {
  const scan = Array.from({ length: 60 }, (_, i) => ({
    from: "10.0.0.2 40000",
    to: `10.0.0.9 ${8000 + i}`,
    state: "failed" as const,
  }));
  expect(edges(text(...scan)).map((line) => /label="([^"]*)"/.exec(line)![1])).toEqual(["60 services ×60 (60 failed)"]);
});

test("N23 short-lived processes of one name that do the same are one node; a few of them stay apart", () => {
  const run = (count: number): string =>
    text(
      ...Array.from({ length: count }, (_, i) => ({
        from: `10.0.0.2 ${40_000 + i}`,
        to: "10.0.0.9 443",
        fromOwner: makeOwner(100 + i, "curl"),
        flags: ["fromLocal"] as const,
      })),
    );
  expect(nodes(run(50)).some((line) => line.includes('label="50 × curl"'))).toBe(true);
  expect(edges(run(50))).toHaveLength(1);
  expect(edges(run(5))).toHaveLength(5);
});

test("N23 nodes that do several things, and different things, are drawn each by itself", () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ from: `10.1.0.${i} 40000`, to: `10.0.0.9 ${443 + (i % 2)}` }));
  const both = rows.flatMap((row) => [row, { ...row, to: "10.0.0.8 80" }]);
  expect(edges(text(...both))).toHaveLength(60);
});
