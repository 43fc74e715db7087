/** The page under load: no task of its main thread takes longer than a frame or three, counted in the thread's own time, whatever else the machine does. */
import { expect } from "vitest";
import { kernelTest } from "../lab/index.ts";
import { busyReport, startServer } from "../serve/stream.ts";
import { openPage } from "./browser.ts";

/** Reports a second apart, each with half as many opened and as many ended. */
const REPORTS = 20;
const CHANGES = 1000;
const CONNECTIONS = 10_000;
const LONG_MS = 50;

kernelTest(
  "10,000 connections and 1,000 changes a second: after loading no task of the page takes 50 ms of its thread",
  async () => {
    const served = await startServer();
    served.push(busyReport(1, CONNECTIONS, CHANGES / 2));
    await using opened = await openPage(served.address);
    const { page, problems } = opened;
    await page.waitForSelector("[data-box]");
    await expect.poll(() => page.textContent(".state"), { timeout: 60_000 }).toMatch(/10000 open/);

    const session = await page.context().newCDPSession(page);
    const tasks: TraceEvent[] = [];
    const threads = new Map<string, string>();
    session.on("Tracing.dataCollected", ({ value }) => {
      for (const event of value as unknown as TraceEvent[]) {
        if (event.name === "thread_name") threads.set(`${event.pid} ${event.tid}`, event.args?.name ?? "");
        if (event.name.endsWith("RunTask")) tasks.push(event);
      }
    });
    const ended = new Promise((resolve) => session.on("Tracing.tracingComplete", resolve));
    await session.send("Tracing.start", {
      categories: "disabled-by-default-devtools.timeline,devtools.timeline,__metadata",
      transferMode: "ReportEvents",
    });
    for (let i = 0; i < REPORTS; i++) {
      served.push(busyReport(2 + i, CONNECTIONS, CHANGES / 2));
      await page.mouse.wheel(0, i % 2 === 0 ? 900 : -700);
      await page.waitForTimeout(1000);
    }
    await session.send("Tracing.end");
    await ended;

    const own = tasks.filter(({ pid, tid }) => threads.get(`${pid} ${tid}`) === "CrRendererMain");
    const busyMs = own.map(({ tdur = 0 }) => tdur / 1000).sort((a, b) => b - a);
    const worst = busyMs.slice(0, 10).map((ms) => ms.toFixed(1));
    expect(own.length).toBeGreaterThan(REPORTS);
    console.log(`longest tasks, ms of the thread: ${worst.join(", ")}`);
    expect(
      busyMs.filter((ms) => ms > LONG_MS),
      `the longest: ${worst.join(", ")}`,
    ).toEqual([]);
    expect(problems).toEqual([]);
    await served.close();
  },
  { requires: ["chromium"], timeout: 240_000 },
);

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of the thread's own time. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}
