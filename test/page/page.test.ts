/** The page in Chromium: what it shows, that it stays where it is, that it asks nobody else, and that no name harms it. */
import { viewReport } from "@conntrail/report";
import { explainRecording } from "@conntrail/reporter";
import { expect } from "vitest";
import { kernelTest } from "../lab/index.ts";
import { sample, samplePath } from "../query/samples.ts";
import { makeContent, makeOwner } from "../report/content.ts";
import { ask, busyReport, startServer } from "../serve/stream.ts";
import { openPage } from "./browser.ts";

/** A connection that no recording has; its answer is another's. */
const MADE_UP = 900_001;
const NEEDS = { requires: ["chromium"], timeout: 120_000 };

kernelTest(
  "the shop is on the page with its edges, its NAT and its evidence, and the filter is the command line's",
  async () => {
    const why = async (id: number): Promise<object | undefined> =>
      (await explainRecording(samplePath("shop.pcapng"), { from: { id: id === MADE_UP ? 1 : id } })).explanations[0];
    const served = await startServer({ why });
    const { report, connections } = await sample("shop.pcapng");
    await using opened = await openPage(served.address);
    const { page, requests, problems } = opened;
    await expect.poll(() => page.textContent(".state"), { timeout: 30_000 }).not.toMatch(/not connected/);
    served.push(report);
    await page.waitForSelector("[data-edge]");
    const edges = await page.$$eval("[data-edge]", (all) => all.map((each) => each.getAttribute("aria-label")));
    expect(edges).toHaveLength(5);
    expect(edges.find((each) => each!.startsWith("web → app"))).toMatch(/×12.*dnat 10\.9\.0\.1:8080/);

    await page.keyboard.press("/");
    await page.keyboard.type('to.port == 5432 && state == "esta');
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect
      .poll(() => page.$$eval(".row", (rows) => rows.length))
      .toBe(connections.filter(({ to, state }) => to.port === 5432 && state === "established").length);
    await expect
      .poll(() => new URL(page.url()).searchParams.get("filter"))
      .toBe('to.port == 5432 && state == "established"');
    await page.click(".row");
    expect(await page.textContent(".details")).toMatch(/holds the very socket.*certain, by conntrack/s);
    await expect
      .poll(() => page.textContent(".details .why"), { timeout: 30_000 })
      .toMatch(
        /What was told.*socket \[ct-1-1-app-\d\]: .*decided direction: conntrack keeps who opened it.*What it does not say/s,
      );

    await page.fill("#filter", "to.prot == 1");
    await expect.poll(() => page.textContent("#filter-error")).toMatch(/did you mean "to.port"/);

    // Digits that no number of JavaScript holds, as they were told first and as they came later.
    await page.fill("#filter", "to.port == 5433");
    for (const more of [1n, 3n]) {
      const exact = [9n, 2n ** 60n + more, 5n, 4242n] as const;
      served.push(viewReport(makeContent([{ id: MADE_UP, from: "10.0.0.2 1024", to: "10.0.0.9 5433", exact }])));
      if (more === 1n) await page.click('.row:has-text("5433")');
      await expect.poll(() => page.textContent(".details")).toContain(`1.0 E (${2n ** 60n + more} B) out, 4.1 K back`);
    }

    expect(requests.filter((url) => !url.startsWith(served.address) && !url.startsWith("data:"))).toEqual([]);
    expect(problems).toEqual([]);
    await served.close();
  },
  NEEDS,
);

kernelTest(
  "10,000 connections and 200 changes an update: boxes stay where they are over 100 updates, and only rows in sight exist",
  async () => {
    const served = await startServer();
    served.push(busyReport(1, 10_000, 1000));
    await using opened = await openPage(served.address);
    const { page, problems } = opened;
    await page.waitForSelector("[data-box]");
    await expect.poll(() => page.textContent(".state"), { timeout: 30_000 }).toMatch(/10000 open/);
    const places = (): Promise<Record<string, string>> =>
      page.$$eval("[data-box]", (boxes) =>
        Object.fromEntries(boxes.map((box) => [box.getAttribute("data-box")!, box.getAttribute("transform")!])),
      );
    const before = await places();
    expect(Object.keys(before).length).toBeGreaterThan(40);
    for (let i = 0; i < 100; i++) {
      served.push(busyReport(2 + i, 10_000, 100));
      await page.waitForTimeout(20);
    }
    await expect.poll(() => page.textContent(".state"), { timeout: 30_000 }).toMatch(/10000 open/);
    expect(await places()).toEqual(before);
    expect(await page.$$eval(".row", (rows) => rows.length)).toBeLessThan(60);
    expect(problems).toEqual([]);
    await served.close();
  },
  NEEDS,
);

kernelTest(
  "names with escapes, writing from right to left, markup or a megabyte of text harm nothing",
  async () => {
    const names = [
      "\u001b[2J\u001b]0;x\u0007",
      "\u202egnp.exe",
      "<img src=x onerror=alert(1)>",
      "x".repeat(1 << 20),
      "\u2066\u200f",
      "\ud800",
    ];
    const why = (id: number): Promise<object> => Promise.resolve(explained(names[id - 1]!));
    const served = await startServer({ why });
    await using opened = await openPage(served.address);
    const { page, problems } = opened;
    served.push(
      viewReport(
        makeContent(
          names.map((name, i) => ({
            id: i + 1,
            from: `10.0.0.2 ${1000 + i}`,
            to: "10.0.0.9 443",
            fromOwner: makeOwner(i + 1, name),
            toNames: [name],
            flags: ["fromLocal"],
          })),
        ),
      ),
    );
    await page.waitForSelector(".row");
    for (const row of await page.$$(".row")) {
      await row.click();
      await page.waitForSelector(".why dt");
    }
    const text = (await page.textContent("body")) ?? "";
    expect([...text].filter((each) => /[\p{Cc}\p{Cf}\p{Cs}]/u.test(each) && !"\n\t\r".includes(each))).toEqual([]);
    expect(text.length).toBeLessThan(100_000);
    expect(await page.$$("img")).toEqual([]);
    expect(problems).toEqual([]);
    await served.close();
  },
  NEEDS,
);

kernelTest(
  "a replay has a slider for its time",
  async () => {
    const served = await startServer({ replay: [1, 2, 3].map((sequence) => busyReport(sequence, sequence * 3, 1)) });
    await using opened = await openPage(served.address);
    const { page } = opened;
    await expect.poll(() => page.textContent(".state")).toMatch(/9 open/);
    await page.focus(".slider input");
    await page.keyboard.press("Home");
    await expect.poll(() => page.textContent(".state")).toMatch(/3 open/);
    await served.close();
  },
  NEEDS,
);

kernelTest(
  "the script is small",
  async () => {
    const served = await startServer();
    const { headers } = await ask(served.address, "/page.js", { "Accept-Encoding": "gzip" });
    expect(Number(headers["content-length"])).toBeLessThan(200_000);
    await served.close();
  },
  NEEDS,
);

/** An answer of `/api/why` that says this in every place that takes text. */
function explained(text: string): object {
  const claims = [{ about: "from.process", verdict: "decided", text }];
  const facts = [{ time: "2026-11-27T12:00:00.000Z", source: "socket", netns: null, text, claims }];
  return { since: null, facts, more: 0, blanks: [{ about: "to.process", text, help: text }] };
}
