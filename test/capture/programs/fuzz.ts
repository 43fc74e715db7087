/**
 * Fuzzes the reader of captures and the decoders behind it for as long as it is told, and ends with 1 at the first finding.
 *
 *     npx tsx test/capture/programs/fuzz.ts [seconds, 600 without it] [first seed, the time without it]
 */
import { fuzzOnce, noTally, samples } from "../fuzz-capture.ts";

const seconds = Number(process.argv[2] ?? 600);
const first = Number(process.argv[3] ?? Date.now() % 0x7fffffff);
const from = samples();
const tally = noTally();
const until = Date.now() + seconds * 1000;
let heapMost = 0;
let told = Date.now();

console.log(`${from.length} samples, ${seconds} s, seeds from ${first}`);
for (let seed = first; Date.now() < until; seed++) {
  await fuzzOnce(seed, from, tally);
  if (Date.now() - told < 30_000) continue;
  told = Date.now();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  heapMost = Math.max(heapMost, heapUsed + arrayBuffers + external);
  console.log(JSON.stringify(tally), `${Math.round(heapMost / 1e6)} MB at most`);
}
console.log(`nothing found: ${JSON.stringify(tally)}`);
