import { encodeTable } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { makeContent, makeOwner, type Row } from "./content.ts";
import { text } from "./text.ts";

const lines = (...[content, options]: Parameters<typeof encodeTable>): string[] =>
  text(encodeTable(content, options)).split("\n");
const many = makeContent(
  Array.from({ length: 30 }, (_, i): Row => ({ from: `10.0.0.2 ${30 - i}`, to: "10.0.0.9 80", count: i + 1 })),
);

describe("the table", () => {
  test.each([40, 60, 80, 100])("keeps to %d columns", (columns) => {
    for (const content of [CASES.nat!, CASES["text-to-escape"]!, CASES.unknown!]) {
      const all = lines(content, { columns });
      const body = all.slice(all.indexOf("") + 1).filter((line) => !/direction|Too narrow/.test(line));
      for (const line of body) expect([...line].length).toBeLessThanOrEqual(columns);
    }
  });

  test("N4 columns and processes give way before an address does, at any width at which the addresses fit", () => {
    const body = (columns: number): string[] => lines(CASES.nat!, { columns }).filter((line) => /[-~?]>/.test(line));
    const whole = [/10\.0\.0\.2:41000/, /10\.0\.0\.2:80|10\.0\.0\.1\d:8080/];
    for (let columns = 200; columns >= 40; columns--) {
      for (const line of lines(CASES.nat!, { columns })) expect([...line].length).toBeLessThanOrEqual(columns);
      expect(body(columns).filter((line) => line.includes("…"))).toEqual([]);
    }
    expect(body(40)[0]).toMatch(whole[0]!);
  });

  test("N4 a narrow header is folded between words, and loses none", () => {
    const words = (columns?: number): string[] =>
      text(encodeTable(CASES["in-poor-health"]!, { columns, limit: 0 })).split(/\s+/);
    expect(words(40)).toEqual(words());
  });

  test("N4 at a height the rows that fit are shown below the header, and the rest is counted", () => {
    const shown = lines(many, { columns: 80, lines: 24 });
    expect(shown.length).toBeLessThanOrEqual(24);
    expect(shown[0]).toMatch(/^Report/);
    expect(shown.find((line) => line.startsWith("…"))).toMatch(/^… and \d+ more/);
  });

  test("leaves the least important columns out first, and says which", () => {
    expect(lines(CASES.nat!, { columns: 80 }).at(-2)).toBe("Too narrow for NOTES, EVIDENCE.");
    expect(lines(CASES.nat!).at(-2)).not.toContain("Too narrow");
  });

  test("counts wide characters as two cells", () => {
    const wide = makeContent([
      { from: "10.0.0.2 1", to: "10.0.0.9 80", fromOwner: makeOwner(1, "監視") },
      { from: "10.0.0.2 1", to: "10.0.0.9 81", fromOwner: makeOwner(2, "abcd") },
    ]);
    const [abcd, kanji] = lines(wide).slice(-3, -1);
    expect(kanji!.indexOf("->")).toBe(abcd!.indexOf("->") - 2);
  });

  test("lets nothing through that would command the terminal", () => {
    const unsafe = text(encodeTable(CASES["text-to-escape"]!)).match(/[\p{Cc}\p{Cf}]/gu);
    expect(new Set(unsafe)).toEqual(new Set(["\n"]));
  });

  test("is coloured only when asked", () => {
    expect(text(encodeTable(CASES.ended!))).not.toContain("\u001b");
    expect(text(encodeTable(CASES.ended!, { color: true }))).toContain("\u001b[31m");
  });

  test("says what is missing and what would help", () => {
    const header = lines(CASES["in-poor-health"]!).slice(0, 8).join("\n");
    expect(header).toContain("not-permitted");
    expect(header).toContain("Run as root or give the program CAP_NET_ADMIN.");
    expect(header).toContain("partly-permitted");
    expect(header).toContain("not read yet");
  });

  test("shows living connections before ended ones, and the same order for any order of rows", () => {
    const rows: Row[] = [
      { from: "10.0.0.2 3", to: "10.0.0.9 80", state: "closed" },
      { from: "10.0.0.2 2", to: "10.0.0.9 80" },
      { from: "10.0.0.2 1", to: "10.0.0.9 80", state: "failed" },
      { from: "10.0.0.10 9", to: "10.0.0.9 80" },
    ];
    const order = (each: readonly Row[]) =>
      lines(makeContent(each))
        .slice(-5, -1)
        .map((line) => line.match(/10\.\S+/)![0]);
    expect(order(rows)).toEqual(["10.0.0.2:2", "10.0.0.10:9", "10.0.0.2:1", "10.0.0.2:3"]);
    expect(order(rows.toReversed())).toEqual(order(rows));
  });

  test("F43 a limit says exactly how many rows and connections it left out", () => {
    expect(lines(many, { limit: 10 }).at(-2)).toBe("… and 20 more (210 connections)");
    expect(lines(many, { limit: 30 }).at(-2)).not.toContain("more");
    expect(lines(many, { limit: 0 }).at(-2)).toBe("… and 30 more (465 connections)");
  });

  test("N5 a limit keeps the heaviest rows, and the first ones of rows that were sorted", () => {
    const ports = (options: object): string[] =>
      lines(many, { limit: 2, ...options }).flatMap((line) => line.match(/10\.0\.0\.2:(\d+)/)?.[1] ?? []);
    expect(ports({})).toEqual(["1", "2"]); // 30 and 29 connections
    expect(ports({ sorted: true })).toEqual(["30", "29"]);
  });
});
