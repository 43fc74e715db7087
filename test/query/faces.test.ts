/** The same filter, the same rows: from the library, the command, the server, the page, jq over the full JSON, and ss(8) on a host. */
import { fileURLToPath } from "node:url";
import { compileFilter } from "@conntrail/query";
import type { ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { runCommand } from "../lab/command.ts";
import { kernelTest, natLab, runConntrail } from "../lab/index.ts";
import { openPage } from "../page/browser.ts";
import { ask, startServer } from "../serve/stream.ts";
import { EXPRESSIONS } from "./expressions.ts";
import { sample } from "./samples.ts";

const SHOP = fileURLToPath(new URL("../../samples/shop.pcapng", import.meta.url));

/** What jq is asked for some of them; the rest is held against plain JavaScript in filter.test.ts. */
const JQ: Readonly<Record<string, string>> = {
  "to.port == 8080 && nat != null": ".to.port == 8080 and .nat != null",
  'nat.kind == "dnat"': '.nat.kind? == "dnat"',
  'state in ["closed", "failed"]': '.state == "closed" or .state == "failed"',
  '!(state == "closed")': '.state != "closed"',
  'from.process == "app"': '.from.process == "app"',
  "from.process == to.process": ".from.process == .to.process",
  '"web.shop.example" in from.names': '.from.names | index("web.shop.example") != null',
  'to.address == "10.5.0.2"': '.to.address == "10.5.0.2"',
  'cidr("10.4.0.0/16").containsIP(from.address)': '.from.address | startswith("10.4.")',
  "from.pid > 100": "(.from.pid // 0) > 100",
};

kernelTest(
  "thirty filters give the same rows of the shop by the library, the command, the server and the page, and ten by jq",
  async () => {
    const { report, connections } = await sample("shop.pcapng");
    const expected = new Map(EXPRESSIONS.map(([text, plain]) => [text, connections.filter(plain)]));
    expect(expected.size).toBeGreaterThanOrEqual(30);

    // As a recording: live, the page lets go of what has ended.
    const served = await startServer({ replay: [report] });
    await using opened = await openPage(served.address);
    const { page } = opened;
    await page.waitForSelector("[data-edge]");
    for (const [text, rows] of expected) {
      expect(
        connections.filter((each) => compileFilter(text).matches(each)),
        text,
      ).toEqual(rows);
      const { body } = await ask(served.address, `/api/report?filter=${encodeURIComponent(text)}`);
      expect((JSON.parse(body) as ReportJson).connections, `${text}, served`).toEqual(rows);
      await page.fill("#filter", text);
      const count = (): Promise<string | null> => page.getAttribute("[aria-rowcount]", "aria-rowcount");
      await expect.poll(count, { message: `${text}, on the page`, timeout: 30_000 }).toBe(String(rows.length));
    }
    await served.close();

    for (const [text, rows] of expected) {
      const { stdout } = await runConntrail(undefined, ["replay", SHOP, "--format", "json", "--filter", text]);
      expect((JSON.parse(stdout) as ReportJson).connections, `${text}, by the command`).toEqual(rows);
    }
    const whole = (await runConntrail(undefined, ["replay", SHOP, "--format", "json"])).stdout;
    for (const [text, program] of Object.entries(JQ)) {
      const { stdout, stderr } = await runCommand("jq", [`[.connections[] | select(${program})]`], { input: whole });
      expect(stderr).toBe("");
      expect(JSON.parse(stdout), `${text}, by jq`).toEqual(expected.get(text));
    }
  },
  { timeout: 600_000, requires: ["chromium", "jq"] },
);

kernelTest(
  "ten filters give the connections that ss gives for the same question on a host",
  async () => {
    await using lab = await natLab({ backends: 2, track: "all", masquerade: false });
    const { client } = lab;
    const [one, two] = lab.servers.map(({ address }) => address);
    for (const server of lab.servers) {
      for (const port of [5001, 5002, 5003]) await server.start("tcp-server", { host: server.address, port });
    }
    const ports: number[] = [];
    for (const host of [one!, two!]) {
      for (const port of [5001, 5002, 5003]) {
        const { ready } = await client.start("tcp-client", { host, port, connections: 4, hold: true });
        ports.push(...ready.ports!);
      }
    }
    const middle = ports.toSorted((a, b) => a - b)[12]!;
    const table: readonly (readonly [string, string])[] = [
      ['state == "established"', "state established"],
      ["to.port == 5001", "dport = :5001"],
      ["to.port != 5001", "dport != :5001"],
      ["to.port >= 5002", "dport >= :5002"],
      [`to.address == "${one}"`, `dst ${one}`],
      [`!(to.address == "${one}")`, `not dst ${one}`],
      ['cidr("10.2.0.0/24").containsIP(to.address)', "dst 10.2.0.0/24"],
      [`from.port > ${middle}`, `sport > :${middle}`],
      ["to.port == 5001 || to.port == 5003", "( dport = :5001 or dport = :5003 )"],
      [`to.port != 5001 && from.port <= ${middle}`, `( dport != :5001 and sport <= :${middle} )`],
    ];
    const args = ["report", "--format", "json", "--window", "500ms", "--no-names", "--namespaces", "own"];
    const { stdout } = await runConntrail(client, args);
    const { connections } = JSON.parse(stdout) as ReportJson;
    expect(connections).toHaveLength(24);
    for (const [text, question] of table) {
      const filter = compileFilter(text);
      const ours = connections
        .filter((each) => filter.matches(each))
        .map(({ from, to }) => `${from.address}:${from.port} ${to.address}:${to.port}`);
      const listed = await client.exec("ss", ["-Htn", ...question.split(" ")]);
      const theirs = listed.split("\n").flatMap((line) => {
        const ends = line.match(/[\d.]+:\d+/g);
        return ends === null ? [] : [ends.join(" ")];
      });
      expect(ours.toSorted(), text).toEqual(theirs.toSorted());
      expect(ours.length, text).toBeGreaterThan(0);
    }
  },
  { timeout: 120_000 },
);
