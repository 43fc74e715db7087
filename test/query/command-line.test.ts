/** Questions as they are asked on the command line, of a recording: filters, shorthands, orders, groups, and what is said of a wrong one. */
import { fileURLToPath } from "node:url";
import { compileFilter, Fields, shorthandExpression, type UsedShorthand } from "@conntrail/query";
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { runConntrail } from "../lab/index.ts";
import { sample } from "./samples.ts";

const SHOP = fileURLToPath(new URL("../../samples/shop.pcapng", import.meta.url));

async function ask(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return runConntrail(undefined, ["replay", SHOP, ...args]);
}

async function connections(...args: readonly string[]): Promise<readonly ConnectionJson[]> {
  const { code, stdout, stderr } = await ask("--format", "json", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return (JSON.parse(stdout) as ReportJson).connections;
}

const is = (name: string, value: string): UsedShorthand => ({ name, value, not: false });
const not = (name: string, value: string): UsedShorthand => ({ name, value, not: true });

const SHORT: readonly (readonly [readonly UsedShorthand[], (c: ConnectionJson) => boolean])[] = [
  [[is("process", "app")], (c) => c.from.process === "app" || c.to.process === "app"],
  [[is("to-port", "8080"), is("to-port", "5432")], (c) => c.to.port === 8080 || c.to.port === 5432],
  [[is("from-process", "a*"), not("state", "closed")], (c) => /^a/.test(c.from.process ?? "") && c.state !== "closed"],
  [
    [is("to", "10.5.0.0/16"), is("from", "app-1.shop.example")],
    (c) => c.to.address.startsWith("10.5.") && c.from.names.includes("app-1.shop.example"),
  ],
  [[is("ip", "10.5.0.2"), is("pid", "76")], (c) => c.to.address === "10.5.0.2" && c.to.pid === 76],
  [[is("nat", "any")], (c) => c.nat !== null],
  [[not("nat", "dnat"), is("service", "http")], (c) => c.nat?.kind !== "dnat" && c.to.port === 80],
];

describe("shorthands are parts of one expression", () => {
  test.each(SHORT)("%j", async (used, plain) => {
    const expected = (await sample("shop.pcapng")).connections.filter(plain);
    expect(expected.length).toBeGreaterThan(0);
    const filter = compileFilter(shorthandExpression(used)!, new Fields(new Map([["80/tcp", "http"]])));
    expect((await sample("shop.pcapng")).connections.filter((each) => filter.matches(each))).toEqual(expected);
  });
});

test("on the command line --not turns the next one around, and --filter is one part more", async () => {
  const args = [
    "--process",
    "a?p",
    "--not",
    "--state",
    "closed",
    "--filter",
    "to.port == 80",
    "--filter",
    "to.port == 5432",
  ];
  const expected = (await sample("shop.pcapng")).connections.filter(
    (c) => [c.from, c.to].some(({ process }) => process === "app") && c.state !== "closed" && c.to.port === 5432,
  );
  expect(expected.length).toBe(2);
  expect(await connections(...args)).toEqual(expected);
}, 60_000);

test("--sort orders and --limit then keeps the first, exactly counted", async () => {
  const { stdout } = await ask("--format", "json", "--sort", "to.port,firstSeen:asc", "--limit", "3");
  const report = JSON.parse(stdout) as ReportJson;
  const expected = (await sample("shop.pcapng")).connections.toSorted(
    (a, b) => b.to.port - a.to.port || (a.firstSeen! < b.firstSeen! ? -1 : 1),
  );
  expect(report.connections).toEqual(expected.slice(0, 3));
  expect(report.elided?.rows).toBe(expected.length - 3);
}, 60_000);

test("--by gives one row for each combination, whose sums are those of the connections", async () => {
  const { stdout } = await ask("--format", "json", "--by", "process,service");
  const { groups, by } = JSON.parse(stdout) as {
    by: string[];
    groups: { connections: number; open: number; closed: number }[];
  };
  expect(by).toEqual(["from", "to", "service"]);
  const all = (await sample("shop.pcapng")).connections.reduce((sum, { count }) => sum + count, 0);
  expect(groups.reduce((sum, each) => sum + each.connections, 0)).toBe(all);
  expect(groups.reduce((sum, each) => sum + each.open + each.closed, 0)).toBe(all);
  expect(groups).toContainEqual(
    expect.objectContaining({ from: "web", to: "app", service: "http-alt", nat: ["dnat"] }),
  );
});

test("a wrong question is wrong usage: one line with the column and the nearest right word", async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--filter", "to.prot == 80"], /column 1: there is no field "to.prot"; did you mean "to.port"\?/],
    [["--state", "establishd"], /did you mean "established"\?/],
    [["--to-port", "https"], /whole number/],
    [["--to", "10.0.0.0/64"], /network/],
    [["--sort", "byte"], /did you mean "bytes"\?/],
    [["--by", "proces"], /did you mean "process"\?/],
    [["--columns", "to.adress"], /did you mean "to.address"\?/],
    [["--format", "json", "--select", "to.adress"], /did you mean "to.address"\?/i],
    [["--format", "table", "--select", "to"], /--columns/],
    [["--format", "scope", "--select", "to"], /--format json, ndjson/],
    [["--format", "json", "--select", "to", "--by", "service"], /--by/],
    [["--not"], /--not/],
    [["--by", "service", "--each"], /--by/],
  ];
  const answers = await Promise.all(wrong.map(([args]) => ask(...args)));
  for (const [i, { code, stdout, stderr }] of answers.entries()) {
    const [args, expected] = wrong[i]!;
    expect({ code, stdout, lines: stderr.trimEnd().split("\n").length }, args.join(" ")).toEqual({
      code: 2,
      stdout: "",
      lines: 1,
    });
    expect(stderr).toMatch(expected);
  }
}, 60_000);

test("--select tells the members that were asked for, and which connection they are of", async () => {
  const whole = await connections("--process", "app");
  const told = await connections("--process", "app", "--select", "to.port,from.process, state");
  expect(told).toEqual(
    whole.map(({ from, to, state, id }) => ({ from: { process: from.process }, to: { port: to.port }, state, id })),
  );
  const lines = await ask("--format", "ndjson", "--select", "state");
  const reports = lines.stdout.trimEnd().split("\n");
  expect(reports.length).toBeGreaterThan(1);
  for (const line of reports) {
    const report = JSON.parse(line) as ReportJson;
    for (const connection of report.connections) expect(Object.keys(connection)).toEqual(["state", "id"]);
    expect(report.processes).toEqual([]);
  }
});
