/** Chosen members of connections: what JSON has of them is what whole JSON would have had. */
import { CONNECTION_MEMBERS, encodeJson, JsonLines, packReport, unpackReport, viewReport } from "@conntrail/report";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyContent } from "./any-content.ts";
import { CASES } from "./cases.ts";
import { text } from "./text.ts";

type Json = Record<string, unknown>;
const SIDES = ["from", "to"] as const;

/** The members of `whole` that are chosen, in its order. */
function chosen(whole: Json, select: readonly string[]): Json {
  const part: Json = {};
  for (const [name, value] of Object.entries(whole)) {
    const isSide = name === SIDES[0] || name === SIDES[1];
    if (name === "id" || select.includes(name)) part[name] = value;
    else if (isSide && select.some((member) => member.startsWith(`${name}.`))) {
      const kept = Object.entries(value as Json).filter(([member]) => select.includes(`${name}.${member}`));
      part[name] = Object.fromEntries(kept);
    }
  }
  return part;
}

const anySelection = fc.subarray([...CONNECTION_MEMBERS]);

test("of any connection exactly the chosen members are told, as they are told whole", () => {
  fc.assert(
    fc.property(anyContent, anySelection, (content, select) => {
      const whole = JSON.parse(text(encodeJson(content))) as { connections: Json[] };
      const expected = whole.connections.map((connection) => JSON.stringify(chosen(connection, select)));
      const told = JSON.parse(text(encodeJson({ ...content, select }))) as { connections: Json[] };
      expect(told.connections.map((connection) => JSON.stringify(connection))).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test("all ways to JSON agree, behind a thread as well", () => {
  fc.assert(
    fc.property(anyContent, anySelection, (content, select) => {
      const asked = { ...content, select };
      const line = text(encodeJson(asked));
      expect(JSON.stringify(viewReport(asked))).toBe(line);
      expect(text(encodeJson(asked, { pretty: true }))).toBe(JSON.stringify(viewReport(asked), null, 2));
      const lines = new JsonLines();
      for (let i = 0; i < 2; i++) expect(text(lines.encode(asked))).toBe(`${line}\n`);
      expect(JSON.stringify(unpackReport(packReport(asked).message))).toBe(line);
    }),
    { numRuns: 100 },
  );
});

test("another selection than in the line before is told by its own members", () => {
  const lines = new JsonLines();
  for (const select of [undefined, ["state"], ["to.port"], undefined]) {
    const asked = { ...CASES.plain!, ...(select && { select }) };
    expect(text(lines.encode(asked))).toBe(`${text(encodeJson(asked))}\n`);
  }
});

test.each([
  [["state", "nat"], false],
  [["from.address", "to.names"], false],
  [["from.pid"], true],
  [["to"], true],
])("processes are listed where the members %j speak of them", (select, listed) => {
  const report = JSON.parse(text(encodeJson({ ...CASES.plain!, select }))) as { processes: Json[] };
  expect(report.processes.length > 0).toBe(listed);
});
