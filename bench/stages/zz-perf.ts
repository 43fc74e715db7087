import { Subject } from "rxjs";
import { merge, mapNat, attachNames } from "@conntrail/stages";
import { flowBatch, socketTable } from "/work/main/bench/stages/inputs.ts";
const N = Number(process.argv[2] ?? 100000), NS = Number(process.argv[3] ?? 1) as 1|2;
const shape = { flows: N, natEvery: 4, namespaces: NS };
const b = flowBatch(shape), t = socketTable(shape, 2), t2 = socketTable(shape, 2);
const time = (name: string, f: () => void, per = N) => { const s = process.cpuUsage(); f(); const c = process.cpuUsage(s); const d = (c.user + c.system) / 1000; const e = best.get(name); if (e === undefined || d < e[0]) best.set(name, [d, per]); };
const best = new Map<string, [number, number]>();
const s$ = new Subject<any>(); let last: any;
s$.pipe(merge({ capacity: N * 2 + 1000 }), mapNat()).subscribe({ next: (x) => { last = x; }, error: (e) => { throw e; } });
let now = b.timeMs;
for (let i = 0; i < Number(process.argv[4] ?? 6); i++) {
  time("batch upsert", () => s$.next(b), b.count);
  time("table", () => s$.next(i % 2 ? t : t2), t.count);
  time("tick after table", () => s$.next({ kind: "tick", timeMs: now += 1000, final: false }));
  time("tick", () => s$.next({ kind: "tick", timeMs: now += 1000, final: false }));
}
console.log(last.columns.length, process.memoryUsage());

for (const [name, [d, per]] of best) console.log(name.padEnd(30), d.toFixed(1), "ms", (d*1e6/per).toFixed(0), "ns/row");
