/** Filters: the same rows from columns and from JSON as plain JavaScript gives over the full JSON, for a table of expressions. */
import { compileFilter, Fields } from "@conntrail/query";
import type { ConnectionJson } from "@conntrail/report";
import { viewReport } from "@conntrail/report";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyContent } from "../report/any-content.ts";
import { CASES } from "../report/cases.ts";
import { EXPRESSIONS } from "./expressions.ts";
import { sample } from "./samples.ts";

describe("a filter gives the rows that plain JavaScript gives over the full JSON", () => {
  test.each(EXPRESSIONS)("%s", async (text, plain) => {
    const filter = compileFilter(text);
    for (const name of ["shop.pcapng", "port-scan.pcapng", "overrun.pcapng.gz"]) {
      const { report, connections } = await sample(name);
      const expected = connections.flatMap((each, row) => (plain(each) ? [row] : []));
      expect([...filter.rows(report.raw)], `${name}, columns`).toEqual(expected);
      expect(
        connections.flatMap((each, row) => (filter.matches(each) ? [row] : [])),
        `${name}, JSON`,
      ).toEqual(expected);
    }
    for (const content of Object.values(CASES)) {
      const report = viewReport(content);
      const { connections } = JSON.parse(JSON.stringify(report)) as { connections: ConnectionJson[] };
      expect([...filter.rows(content)]).toEqual(connections.flatMap((each, row) => (plain(each) ? [row] : [])));
    }
  });

  test("each of them finds something somewhere, and leaves something out", async () => {
    const all = [...(await sample("shop.pcapng")).connections, ...(await sample("port-scan.pcapng")).connections];
    for (const content of Object.values(CASES)) all.push(...viewReport(content).toJSON().connections);
    for (const [text] of EXPRESSIONS) {
      const found = all.filter((each) => compileFilter(text).matches(each)).length;
      expect(found, text).toBeGreaterThan(0);
      expect(found, text).toBeLessThan(all.length);
    }
  });
});

test("any report gives the same rows from columns, views and JSON", () => {
  const property = fc.property(anyContent, fc.constantFrom(...EXPRESSIONS), (content, [text]) => {
    const filter = compileFilter(text);
    const report = viewReport(content);
    const views = Array.from(report.connections(), (each) => filter.matches(each));
    const json = report.toJSON().connections.map((each) => filter.matches(each));
    expect(json).toEqual(views);
    expect([...filter.rows(content)]).toEqual(json.flatMap((is, row) => (is ? [row] : [])));
  });
  fc.assert(property, { numRuns: 500 });
});

test("every member of a connection can be asked for", async () => {
  const fields = new Fields();
  const members = new Set<string>();
  const collect = (value: unknown, path: string): void => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) members.add(path);
    else for (const [name, each] of Object.entries(value)) collect(each, path === "" ? name : `${path}.${name}`);
  };
  const samples = [await sample("shop.pcapng"), await sample("port-scan.pcapng")];
  for (const { connections } of samples) for (const each of connections) collect(each, "");
  for (const content of Object.values(CASES))
    for (const each of viewReport(content).connections()) collect(each.toJSON(), "");
  expect([...members].filter((path) => fields.get(path) === undefined)).toEqual([]);
});

describe("a wrong question names the column and the nearest right word", () => {
  test.each([
    ["to.prot == 80", 'column 1: there is no field "to.prot"; did you mean "to.port"?'],
    ["nat != null && form.port == 1", 'column 16: there is no field "form.port"; did you mean "from.port"?'],
    ["to.port = 80", 'column 9: unexpected character: =; equality is written "=="'],
    ["to.port ==", "column 11: something is missing at the end"],
    ['to.port == "80"', 'column 12: cannot compare: to.port is a number, "80" is text'],
    ['state == "establisht"', 'column 10: state is never "establisht"; did you mean "established"?'],
    ['"trasit" in flags', 'column 1: flags is never "trasit"; did you mean "transit"?'],
    ["to.port", "column 1: expected a condition, and to.port is a number"],
    ["from == null", 'column 1: "from" is not a field by itself: from.address, from.port, from.local, from.pid, …'],
    ['to.process.startswith("a")', 'column 1: there is no function startswith(); did you mean "startsWith"?'],
    [
      'to.process.matches("(a+)+")',
      "column 1: matches() is not offered, for a regular expression can take for ever; glob() takes * and ?",
    ],
    [
      'cidr("10.0.0.0/99").containsIP(to.address)',
      'column 6: expected a network such as 10.0.0.0/8, got "10.0.0.0/99"',
    ],
    [
      'to.address == "10.0.0.0/8"',
      'column 15: to.address is an address, and "10.0.0.0/8" is none; a network is asked for with cidr("10.0.0.0/8").containsIP(…)',
    ],
    [
      'firstSeen > "yesterday"',
      'column 13: firstSeen is a time such as "2026-01-31T12:00:00Z", and "yesterday" is none',
    ],
    ["", "column 1: expected an expression such as to.port == 443, got nothing"],
  ])("%s", (text, message) => {
    expect(() => compileFilter(text)).toThrow(expect.objectContaining({ name: "QueryError", message }));
  });
});

test("any text is a filter or a QueryError, and never anything else", () => {
  const words = fc.constantFrom(
    "to.port",
    "from",
    "nat",
    "==",
    "&&",
    "!",
    "(",
    ")",
    "[",
    "]",
    '"x"',
    "1",
    ".",
    "in",
    "has",
    "size",
    "exists",
    ",",
    "?",
    ":",
    "-",
    "null",
    "cidr",
    "b'1'",
    "{",
    "}",
  );
  const anyText = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 12 }).map((each) => each.join(" ")),
  );
  const property = fc.property(anyText, anyContent, (text, content) => {
    let filter: ReturnType<typeof compileFilter>;
    try {
      filter = compileFilter(text);
    } catch (error) {
      expect(error).toMatchObject({ name: "QueryError" });
      return;
    }
    expect(filter.rows(content).length).toBeLessThanOrEqual(content.columns.length);
  });
  fc.assert(property, { numRuns: 1000 });
});
