/** `conntrail top` at a terminal: the shop as it runs, at two sizes, with and without colour, and names that mean harm. */
import { expect } from "vitest";
import { kernelTest, loopbackLab, SHOP_EDGES, shopLab } from "../lab/index.ts";
import { Terminal } from "./tmux.ts";

const NEEDS = { requires: ["tmux"], timeout: 180_000 };
const OWN = ["--namespaces", "own", "--no-names"];
const PICTURE = ["top", ...OWN, "--by", "address,to.port"];

/** The groups on a screen, as `from to port`: rows have a gutter of two. */
function groupsOn(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, from, to, port] = /^[> ] (\d[\d.]*) +(\d[\d.]*) +(\d+) /.exec(line) ?? [];
    return from === undefined ? [] : [`${from} ${to} ${port}`];
  });
}

const isShop = (lines: readonly string[]): boolean => SHOP_EDGES.every((edge) => groupsOn(lines).includes(edge));

for (const [columns, lines] of [
  [80, 24],
  [160, 50],
] as const) {
  kernelTest(
    `the shop at ${columns} × ${lines}: its edges keep their place, one opens to its connections and their evidence`,
    async () => {
      await using shop = await shopLab();
      await shop.browse(100_000, 100);
      await using terminal = await Terminal.open(shop.router, PICTURE, { columns, lines });

      const screen = await terminal.until(isShop);
      expect(screen).toHaveLength(lines);
      expect(groupsOn(screen).toSorted()).toEqual(SHOP_EDGES);
      expect(screen[0]).toMatch(/^conntrail top · /);
      expect(screen.at(-1)).toMatch(/by address,to\.port · sort connections .*q quit {2}\? keys$/);
      const order = groupsOn(screen);
      for (let i = 0; i < 3; i++) {
        const title = (await terminal.lines())[0];
        expect(groupsOn(await terminal.until((now) => now[0] !== title))).toEqual(order);
      }

      const web = order.indexOf("10.1.0.2 10.2.0.2 80");
      await terminal.press("Home", ...Array.from({ length: web }, () => "Down"));
      await terminal.until((now) => now.some((line) => line.startsWith("> 10.1.0.2 ")));
      await terminal.press("Enter");
      const opened = await terminal.until((now) => now.some((line) => /^> .*10\.1\.0\.2:\d+/.test(line)));
      expect(opened[1]).toMatch(/^from 10\.1\.0\.2, to 10\.2\.0\.2, to\.port 80: \d+ rows/);
      expect(opened.filter((line) => line.includes(":5432"))).toEqual([]);
      await terminal.press("Enter");
      await terminal.until((now) => /1 of \d+$/.test(now[1]!));
      await terminal.press("End");
      const evidence = await terminal.until((now) => now.some((line) => line.includes("direction.evidence")));
      expect(evidence.find((line) => line.includes("direction.evidence"))).toMatch(/conntrack/);
      await terminal.press("Enter");
      const why = await terminal.until((now) => now.some((line) => line.includes("What was told, each thing once")));
      expect(why[2]).toBe("  WHY");
      expect(why.some((line) => /^ +\d\d:\d\d:\d\d\.\d{3} {2}(event|dump|trace|socket|listener) /.test(line))).toBe(
        true,
      );
      await terminal.press("Escape");
      await terminal.until((now) => now.some((line) => line.includes("direction.evidence")));
      await terminal.press("Escape");
      await terminal.until((now) => /: \d+ rows/.test(now[1]!));
      await terminal.press("Escape");
      expect(groupsOn(await terminal.until(isShop))).toEqual(order);

      await terminal.press("q");
      expect((await terminal.until((now) => now.includes("ENDED 0"))).filter((line) => line !== "")).toEqual([
        "ENDED 0",
      ]);
    },
    NEEDS,
  );
}

kernelTest(
  "keys filter, pause, order and group anew; a wrong filter is told and can be mended; a resize is drawn at once",
  async () => {
    await using shop = await shopLab();
    await shop.browse(100_000, 100);
    await using terminal = await Terminal.open(shop.router, PICTURE, { columns: 80, lines: 24 });
    await terminal.until(isShop);

    await terminal.press("/");
    await terminal.type("to.prot == 5432");
    await terminal.press("Enter");
    await terminal.until((now) => /did you mean "to\.port"/.test(now.at(-1)!));
    await terminal.press("C-u");
    await terminal.type("5432");
    await terminal.press("Enter");
    const database = await terminal.until((now) => groupsOn(now).length === 2);
    expect(groupsOn(database).every((group) => group.endsWith(" 10.5.0.2 5432"))).toBe(true);
    await terminal.press("/", "C-u", "Enter");
    await terminal.until(isShop);

    await terminal.press("p");
    const paused = await terminal.until((now) => now[0]!.endsWith("paused"));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await terminal.lines())[0]).toBe(paused[0]);
    await terminal.press("p");
    await terminal.until((now) => !now[0]!.endsWith("paused") && now[0] !== paused[0]);

    await terminal.press("s");
    await terminal.until((now) => now.at(-1)!.includes("sort failed"));
    await terminal.press("b");
    await terminal.until((now) => now.at(-1)!.includes("by process,service") && now[2]!.includes("SERVICE"));
    await terminal.press("?");
    await terminal.until((now) => now.some((line) => line.includes("order anew")));
    await terminal.press("?");

    await terminal.resize(120, 30);
    const wide = await terminal.until((now) => now.length === 30 && /\? keys$/.test(now.at(-1)!));
    expect(wide.at(-1)!.length).toBe(120);
    await terminal.resize(40, 10);
    await terminal.until((now) => now.length === 10 && /\? keys$/.test(now.at(-1)!));
  },
  NEEDS,
);

kernelTest(
  "without colour nothing is painted, with it the selected row is; the selection is marked either way",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    await lab.host.start("tcp-client", { port: server.ready.port!, connections: 3, hold: true });
    const isThere = (now: readonly string[]): boolean => now.some((line) => line.startsWith("> 127.0.0.1"));
    for (const [env, paints] of [
      [{ NO_COLOR: "1" }, false],
      [{ NO_COLOR: "" }, true],
    ] as const) {
      await using terminal = await Terminal.open(lab.host, PICTURE, { columns: 80, lines: 24, env });
      await terminal.until(isThere);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
      expect(/\u001b\[\d*m/.test(await terminal.painted())).toBe(paints);
    }
  },
  NEEDS,
);

kernelTest(
  "where nothing is seen it says why; process names of escape sequences and of other scripts harm nothing",
  async () => {
    await using lab = await loopbackLab();
    await using terminal = await Terminal.open(lab.host, ["top", ...OWN], { columns: 80, lines: 24 });
    await terminal.until((now) => now.some((line) => line.includes("what was asked for works")));

    for (const name of ["\u001b[2J\u001b[31m", "\u202egnp.exe", "日本語の名前", "\u009b2J"]) {
      const program = `
        process.title = ${JSON.stringify(name)};
        const { createServer, connect } = require("node:net");
        const server = createServer(() => {}).listen(0, "127.0.0.1", () => {
          connect(server.address().port, "127.0.0.1", () => console.log("{}"));
        });
        process.stdin.resume();`;
      await lab.host.spawn(process.execPath, ["-e", program]).json();
    }
    const screen = await terminal.until((now) => now.some((line) => line.includes("\\x1b[2J")));
    expect(screen[0]).toMatch(/^conntrail top/);
    expect(screen.at(-1)).toMatch(/\? keys$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be on the screen
    expect(screen.filter((line) => /[\u0000-\u001f\u0080-\u009f\u202e]/.test(line))).toEqual([]);
  },
  NEEDS,
);
