/** The fuzz of replay for as long as asked: `npx tsx test/replay/programs/fuzz-replay-long.ts [MINUTES] [FIRST-SEED]`. Exit 1 at a finding. */
import { fuzzReplayOnce, noReplayTally, replaySamples } from "../fuzz-replay.ts";

const minutes = Number(process.argv[2] ?? 10);
const from = replaySamples();
const tally = noReplayTally();
const deadline = Date.now() + minutes * 60_000;
let seed = Number(process.argv[3] ?? 1);
try {
  while (Date.now() < deadline) await fuzzReplayOnce(seed++, from, tally);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
const heapMiB = Math.round(process.memoryUsage().rss / 1024 ** 2);
console.log(JSON.stringify({ ...tally, slowestMs: Math.round(tally.slowestMs), nextSeed: seed, rssMiB: heapMiB }));
