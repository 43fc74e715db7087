/** What holds for every report, whatever its columns say. */
import { createScopeAliases, encodeDot, encodeScope, encodeTable, viewReport } from "@conntrail/report";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyContent } from "./any-content.ts";
import { parseScope } from "./scope-rules.ts";
import { text } from "./text.ts";

const anyLimit = fc.option(fc.nat(9), { nil: undefined });

describe("any report", () => {
  test("S14 S18 in Scope's format is one that the app accepts, with the memory of aliases and without", () => {
    const aliases = createScopeAliases({ capacity: 5 });
    const anyOptions = fc.record({
      limit: anyLimit,
      attempts: fc.boolean(),
      aliases: fc.constantFrom(undefined, aliases),
    });
    const property = fc.property(anyContent, anyOptions, (content, options) => {
      expect(() => parseScope(encodeScope(content, options))).not.toThrow();
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("F33 in Scope's format stands for exactly its connections, our own queries aside", () => {
    const property = fc.property(anyContent, (content) => {
      const report = parseScope(encodeScope(content, { attempts: true }));
      let connections = 0;
      for (const { adjacency = [], latest } of Object.values(report.Endpoint.nodes)) {
        connections += Number(latest?.conn_count?.value ?? adjacency.length);
      }
      const told = [...viewReport(content).connections()].filter(({ flags }) => !flags.includes("selfTraffic"));
      expect(connections).toBe(told.reduce((sum, { count }) => sum + count, 0));
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("as a table prints nothing that commands the terminal, and no line wider than it may be", () => {
    const property = fc.property(anyContent, fc.integer({ min: 1, max: 200 }), anyLimit, (content, columns, limit) => {
      const table = text(encodeTable(content, { columns, limit }));
      expect(table.match(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu)?.every((each) => each === "\n")).toBe(true);
      expect(table.endsWith("\n")).toBe(true);
    });
    fc.assert(property, { numRuns: 200 });
  });

  test("as a graph has balanced quotes on every line", () => {
    const property = fc.property(anyContent, anyLimit, (content, limit) => {
      const lines = text(encodeDot(content, { limit })).trimEnd().split("\n");
      for (const line of lines) expect(line.replaceAll(/"(\\.|[^"\\])*"/g, "")).toMatch(/^[\w\s{}[\];=,\->]*$/);
      expect([lines[0], lines.at(-1)]).toEqual(["digraph conntrail {", "}"]);
    });
    fc.assert(property, { numRuns: 200 });
  });
});
