/** One shop, three faces: the report, top and the page show the same edges while it runs. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, runConntrail, SHOP_EDGES, shopLab, startConntrail } from "../lab/index.ts";
import { Terminal } from "./tmux.ts";

const OWN = ["--namespaces", "own", "--no-names"];
const PICTURE = ["--by", "address,to.port"];

kernelTest(
  "the shop as it runs has the same edges in the report, in top and on the page",
  async () => {
    await using shop = await shopLab();
    await shop.browse(100_000, 100);
    const { router } = shop;

    const args = ["report", "--format", "json", ...PICTURE, ...OWN];
    const { groups } = JSON.parse((await runConntrail(router, args)).stdout) as Groups;
    expect(groups.map((group) => `${group.from} ${group.to} ${group["to.port"]}`).toSorted()).toEqual(SHOP_EDGES);

    await using terminal = await Terminal.open(router, ["top", ...PICTURE, ...OWN], { columns: 80, lines: 24 });
    const edgesOf = (lines: readonly string[]): string[] =>
      lines.flatMap((line) => /^[> ] (\d[\d.]*) +(\d[\d.]*) +(\d+) /.exec(line)?.slice(1).join(" ") ?? []).toSorted();
    const screen = await terminal.until((lines) => edgesOf(lines).length === SHOP_EDGES.length);
    expect(edgesOf(screen)).toEqual(SHOP_EDGES);
    await terminal.press("q");

    // Without processes its boxes are addresses, as the rows of the others are.
    startConntrail(router, ["serve", "--no-processes", ...OWN]);
    await using browser = await browserInside(router);
    const page = await browser.browser.newPage({ viewport: { width: 1400, height: 760 } });
    await expect
      .poll(
        () =>
          page.goto("http://127.0.0.1:4747/").then(
            (answer) => answer?.ok() ?? false,
            () => false,
          ),
        { timeout: 60_000 },
      )
      .toBe(true);
    const pairs = async (): Promise<string[]> => {
      const labels = await page.$$eval("[data-edge]", (all) =>
        all.map((each) => each.getAttribute("aria-label") ?? ""),
      );
      return labels.flatMap((label) => /^(10\.[\d.]+) → (10\.[\d.]+)/.exec(label)?.slice(1).join(" ") ?? []).toSorted();
    };
    const wanted = SHOP_EDGES.map((edge) => edge.split(" ").slice(0, 2).join(" "));
    await expect.poll(pairs, { timeout: 60_000 }).toEqual(wanted);
  },
  { requires: ["tmux", "chromium"], timeout: 300_000 },
);

interface Groups {
  readonly groups: readonly { readonly from: string; readonly to: string; readonly "to.port": number }[];
}

/** Chromium in a namespace: what it can reach is what is there. */
async function browserInside({ name }: LabNamespace) {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-browser-"));
  const program = join(folder, "chromium");
  writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${name} /usr/bin/chromium "$@"\n`);
  chmodSync(program, 0o755);
  const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  return {
    browser,
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
