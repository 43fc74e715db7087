import { encodeDot } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { makeContent, makeOwner, type Row } from "./content.ts";
import { text } from "./text.ts";

const dot = (...[content, options]: Parameters<typeof encodeDot>): string => text(encodeDot(content, options));

describe("the graph", () => {
  const curl = makeOwner(101, "curl");

  test("counts connections between the same two programs on the same port as one edge", () => {
    const rows = [1, 2, 3].map(
      (port): Row => ({
        from: `10.0.0.2 ${port}`,
        to: "10.0.0.9 80",
        fromOwner: curl,
        state: port === 3 ? "failed" : "closed",
      }),
    );
    expect(dot(makeContent(rows))).toContain('"101.1101" -> "10.0.0.9" [label="tcp/80 ×3 (1 failed)"]');
  });

  test("F38 keeps loopback addresses of two namespaces apart", () => {
    const rows = [100, 200].map((netns): Row => ({ from: "127.0.0.1 40000", to: "127.0.0.1 80", netns }));
    expect(dot(makeContent(rows)).match(/->/g)).toHaveLength(2);
  });

  test("draws no arrow and no port where the direction is not known", () => {
    expect(dot(CASES.unknown!)).toContain('"10.0.0.2" -> "10.0.0.9" [label="tcp", style=dashed, dir=none]');
  });

  test("quotes whatever a name holds", () => {
    const evil = makeOwner(1, '"]; evil [label="\\');
    const line = dot(makeContent([{ from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: evil }])).split("\n")[3];
    expect(line).toBe('  "1.1001" [label="\\"]; evil [label=\\"\\\\[1]"];');
  });

  test("F43 a limit keeps the edges with the most connections and counts the rest", () => {
    const rows = [5, 9, 2].map((count, i): Row => ({ from: "10.0.0.2 1", to: `10.0.0.${i + 1} 80`, count }));
    const graph = dot(makeContent(rows), { limit: 1 });
    expect(graph).toContain('-> "10.0.0.2" [label="tcp/80 ×9"]');
    expect(graph).toContain("… and 2 more edges (7 connections)");
    expect(graph.match(/->/g)).toHaveLength(1);
  });
});
