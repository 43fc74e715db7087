/**
 * Whatever processes, hosts and names are called, what is drawn at a terminal is as wide as the terminal and holds no control character but our own colours:
 * `top`'s frame at every level, the tables of `report` and `watch`, and the answer of `why`.
 */
import { compileGroup } from "@conntrail/query";
import { encodeTable, painter, type Report, viewReport } from "@conntrail/report";
import type { Explanation } from "@conntrail/reporter";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeContent, makeOwner, type Row } from "../report/content.ts";
import { cellsOf } from "./cells.ts";

/** The command has no exports: its own files are what is asked. */
const built = (name: string): Promise<unknown> =>
  import(new URL(`../../packages/cli/dist/${name}.js`, import.meta.url).href);
type Any = (...args: readonly unknown[]) => never;
const { frame } = (await built("top/frame")) as { frame: (...args: readonly unknown[]) => string[] };
const { firstState } = (await built("top/top-state")) as { firstState: Any };
const { KeptGroups } = (await built("top/kept-groups")) as {
  KeptGroups: new () => { order(groups: unknown): void; readonly rows: readonly unknown[] };
};
const { whyLines } = (await built("encode-why")) as { whyLines: (...args: readonly unknown[]) => string[] };
const { groupsTable } = (await built("encode-groups")) as { groupsTable: (...args: readonly unknown[]) => string };

const MEANT = [
  "\u001b[2J\u001b[1;1H\u001b]0;mine\u0007",
  "\u009b31m",
  "\u202egnp.exe\u202c",
  "\u2066\u200f\u200b\ufeff",
  "two\nlines\r\tand a tab",
  "日本語のプロセス",
  "✅❌🇩🇪👩‍👩‍👧",
  "e\u0301\u0301\u0301",
  "क्षि",
  "\ud800",
  "\u2028",
  "toString",
  "",
];
/** What Node's editor composes before it counts is another text there. */
const text = fc
  .oneof(
    fc.constantFrom(...MEANT),
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.array(fc.constantFrom(...MEANT), { maxLength: 4 }).map((parts) => parts.join("")),
  )
  .map((each) => each.normalize("NFC"));

const host = fc
  .array(fc.record({ process: text, name: text, port: fc.integer({ min: 1, max: 65_535 }), failed: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((rows) =>
    viewReport(
      makeContent(
        rows.map(({ process, name, port, failed }, i): Row => {
          const toOwner = i % 2 === 0 ? makeOwner(20 + i, name) : "not-local";
          return {
            id: i + 1,
            from: i % 3 === 0 ? "fd00:1234:5678:9abc:def0:1234:5678:9abc 50000" : "10.0.0.2 50000",
            to: i % 3 === 0 ? `fd00::9 ${port}` : `10.0.0.9 ${port}`,
            fromOwner: makeOwner(10 + i, process),
            toOwner,
            toNames: [name],
            flags: ["fromLocal"],
            state: failed ? "failed" : "established",
          };
        }),
        { host: { ...makeContent([]).host, name: rows[0]!.name } },
      ),
    ),
  );

const size = fc.record({ columns: fc.integer({ min: 40, max: 200 }), lines: fc.integer({ min: 10, max: 60 }) });

/** Says what is wrong with lines, if anything is. */
function isHarmless(lines: readonly string[], columns: number): void {
  for (const line of lines) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours, and nothing else
    const bare = line.replace(/\u001b\[[\d;]*m/g, "");
    expect(bare, JSON.stringify(bare)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(cellsOf(bare), JSON.stringify(bare)).toBeLessThanOrEqual(columns);
  }
}

test("a frame of top has as many lines as the terminal and none is wider than it, at every level", () => {
  const levels = fc.constantFrom("groups", "connections", "evidence", "why");
  const typed = fc.record({ filter: text, complaint: fc.option(text, { nil: undefined }), color: fc.boolean() });
  fc.assert(
    fc.property(host, size, levels, typed, fc.nat(40), (report, screen, level, { filter, complaint, color }, at) => {
      const state = { ...(firstState("process,service", undefined, filter) as object), level };
      const selected = { groups: 0, connections: 0, evidence: at % 20, why: at };
      const paint = painter(color);
      const scene = {
        state: { ...state, selected, ...(complaint === undefined && { typing: filter }) },
        report,
        complaint,
        notice: [filter],
        why: whyLines(explained(report, filter), screen.columns - 2, paint),
        ...opened(report),
      };
      const lines = frame(scene, screen, paint);
      expect(lines).toHaveLength(screen.lines);
      isHarmless(lines, screen.columns);
    }),
    { numRuns: 100 },
  );
});

test("the tables of report and watch, and the answer of why, fit the terminal", () => {
  fc.assert(
    fc.property(host, size, text, fc.boolean(), (report, { columns, lines }, said, color) => {
      const options = { columns, lines, color };
      isHarmless(new TextDecoder().decode(encodeTable(report, options)).split("\n"), columns);
      isHarmless(groupsTable(report, compileGroup("process,service"), options).split("\n"), columns);
      isHarmless(whyLines(explained(report, said), columns, painter(color)), columns);
    }),
    { numRuns: 100 },
  );
});

test("a name of a megabyte is cut before it is drawn", () => {
  const name = "x\u001b[2J".repeat(1 << 18);
  const content = makeContent([
    { id: 1, from: "10.0.0.2 1", to: "10.0.0.9 443", fromOwner: makeOwner(1, name), toNames: [name] },
  ]);
  const report = viewReport(content);
  const scene = { state: firstState("process,service", undefined, ""), report, notice: [], ...opened(report) };
  const lines = frame(scene, { columns: 80, lines: 24 }, painter(false));
  isHarmless(lines, 80);
  isHarmless(new TextDecoder().decode(encodeTable(report, { columns: 80 })).split("\n"), 80);
});

/** The groups and connections of a report, as the screen holds them. */
function opened(report: Report): object {
  const grouping = compileGroup("process,service");
  const rows = Array.from({ length: report.length }, (_, row) => row);
  const kept = new KeptGroups();
  kept.order(grouping.sort(grouping.rows(report.raw, rows, report.window.start)));
  return { grouping, groups: kept.rows, connections: [...report.connections()] };
}

function explained(report: Report, said: string): Explanation {
  const claims = [{ about: "direction", verdict: "decided", text: said }] as const;
  return {
    connection: report.connection(0).toJSON(),
    since: null,
    facts: [{ time: "2026-01-15T12:00:00.000Z", source: "name", netns: null, text: said, claims }],
    more: 0,
    blanks: [{ about: "nat", text: said, help: said }],
  };
}
