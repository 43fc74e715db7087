/** Lines of JSON, one report after another: the bytes of `encodeJson`, whatever is copied from the line before. */
import { type ConnectionColumns, type ReportContent, takeRows } from "@conntrail/model";
import { encodeJson, JsonLines } from "@conntrail/report";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyContent } from "./any-content.ts";
import { makeContent } from "./content.ts";
import { text } from "./text.ts";

/** So many rows that a line is worth remembering. */
const ROWS = 80;

const line = (content: ReportContent): string => `${text(encodeJson(content))}\n`;

/** What the next report is: some rows of the first, in their order or not, one of them changed in one column, records in another order. */
const anyStep = fc.record({
  rows: fc.oneof(
    fc.constant(Array.from({ length: ROWS }, (_, i) => i)),
    fc.subarray(Array.from({ length: ROWS }, (_, i) => i)),
    fc.array(fc.nat({ max: ROWS - 1 }), { minLength: ROWS, maxLength: ROWS }),
  ),
  column: fc.nat(),
  row: fc.nat(),
  changes: fc.boolean(),
  turned: fc.constantFrom("nothing", "owners", "names", "devices", "tcp", "netnsNames"),
});

const NUMBERS: readonly (keyof ConnectionColumns)[] = [
  "id",
  "originalSource",
  "replySource",
  "originalPorts",
  "replyPorts",
  "netns",
  "zone",
  "count",
  "mark",
  "firstSeenMs",
  "lastSeenMs",
  "originalBytes",
  "replyPackets",
];

test("whatever came before, a line is what encodeJson makes of its report", () => {
  fc.assert(
    fc.property(anyContent, fc.array(anyStep, { minLength: 2, maxLength: 6 }), (base, steps) => {
      const { length } = base.columns;
      if (length === 0) return;
      const lines = new JsonLines();
      for (const { rows, column, row, changes, turned } of steps) {
        const columns = takeRows(
          base.columns,
          Uint32Array.from(rows, (place) => place % length),
        );
        const changed = columns[NUMBERS[column % NUMBERS.length]!] as Uint32Array;
        if (changes && rows.length > 0) changed[row % rows.length]! ^= 1;
        const content: ReportContent = { ...base, columns };
        const records = content[turned as "owners"];
        const next = Array.isArray(records) ? { ...content, [turned]: records.toReversed() } : content;
        expect(text(lines.encode(next))).toBe(line(next));
      }
    }),
    { numRuns: 50 },
  );
}, 60_000);

const many = (): ReportContent =>
  makeContent(Array.from({ length: ROWS }, (_, i) => ({ from: `10.0.0.1 ${40_000 + i}`, to: "10.0.0.2 80" })));

test("rows that read the same are copied, and only those", () => {
  const lines = new JsonLines();
  const first = lines.encode(many());
  expect(text(first)).toBe(line(many()));
  // Whoever copies takes this along: the byte before the port of the last row's server.
  const at = text(first).lastIndexOf(',"count":');
  first[at + 2] = "C".charCodeAt(0);
  const second = text(lines.encode(many()));
  expect(second).toContain(',"Count":');
  expect(second.replace(',"Count":', ',"count":')).toBe(line(many()));
});

test("a limit and what it leaves out are told as by encodeJson", () => {
  const lines = new JsonLines({ limit: 40 });
  for (let i = 0; i < 3; i++) expect(text(lines.encode(many()))).toBe(`${text(encodeJson(many(), { limit: 40 }))}\n`);
});
