/** The dashboard of packaging/ for the store: every query in it, as Grafana would put its variables in, runs over a store with a fleet in it and has rows. */
import { readFileSync } from "node:fs";
import { insertBatch, migrate, openStore } from "@conntrail/store";
import { expect, test } from "vitest";
import { fleetBatches } from "../lab/fleet-batch.ts";
import { fleet } from "../lab/fleet-model.ts";
import type { FleetRow } from "../lab/fleet-row.ts";
import { chdbTest } from "./chdb-test.ts";

interface Dashboard {
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly rawSql: string }[];
  }[];
}

const DASHBOARD = JSON.parse(
  readFileSync(new URL("../../packaging/grafana-store-dashboard.json", import.meta.url), "utf8"),
) as Dashboard;
const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const SPAN_MS = 600_000;
const PORT = 1024;

test("panels stand beside and below one another, each with a query that heeds the time that was chosen", () => {
  const places = new Set<string>();
  for (const { gridPos, targets, title } of DASHBOARD.panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(places.has(`${x} ${y}`), title).toBe(false);
        places.add(`${x} ${y}`);
      }
    }
    for (const { rawSql } of targets) expect(rawSql, title).toMatch(/\$__(from|to)/);
  }
  expect(new Set(DASHBOARD.panels.map(({ id }) => id)).size).toBe(DASHBOARD.panels.length);
});

chdbTest("every query of the dashboard runs and has rows", async (folder) => {
  const store = await openStore(`chdb:${folder}/db`);
  try {
    await migrate(store);
    const model = fleet({ hosts: 40, connections: 1500, seed: 11, startMs: START_MS, spanMs: SPAN_MS, lost: 0.1 });
    const rows = [...model.rows()].map(
      // Every fiftieth is an attempt that failed, which the model does not have.
      (row, i): FleetRow => (i % 50 === 0 ? { ...row, event: "failed", state: "failed", closed: 0, failed: 1 } : row),
    );
    for await (const batch of fleetBatches(rows, rows.length, "dashboard")) {
      await insertBatch(store, batch, AbortSignal.timeout(60_000));
    }
    const scopes = DASHBOARD.templating.list.find(({ name }) => name === "scope")!.query;
    const told = await (await store.client.query({ query: scopes, format: "JSONEachRow" })).json<{ scope: string }>();
    expect(told).toEqual([{ scope: "model" }]);
    for (const { title, targets } of DASHBOARD.panels) {
      for (const { rawSql } of targets) {
        const query = filled(rawSql);
        expect(query, "no variable is left").not.toMatch(/\$/);
        const rows = await (await store.client.query({ query, format: "JSONEachRow" })).json();
        expect(rows.length, title).toBeGreaterThan(0);
      }
    }
  } finally {
    await store.client.close();
  }
});

/** What Grafana puts in: its own variables, and those of the dashboard. The stretch is all of the model's. */
function filled(sql: string): string {
  const values: Readonly<Record<string, string>> = {
    $__from: String(START_MS),
    $__to: String(START_MS + SPAN_MS),
    "${scope:singlequote}": "'model'",
    "${port}": String(PORT),
  };
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), sql);
}
