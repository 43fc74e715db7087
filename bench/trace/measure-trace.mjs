// Our trace as a reporter runs it, alone in its process: { ready } when it listens; on SIGUSR2 it begins to count, on SIGTERM { events, lost, facts, cpuMicros } since then.
import { openTracer } from "@conntrail/trace";

const tracer = openTracer();
// What every trace pays once, the first look at all processes, is not the cost of an event.
for (let i = 0; i < 200; i++) tracer.drain();
let began = tracer.drain().health;
let before = process.cpuUsage();
const read = () => {
  tracer.drain();
  timer = setTimeout(read, tracer.delayMs);
};
let timer = setTimeout(read, tracer.delayMs);
process.stdout.write(`${JSON.stringify({ ready: "trace", state: began.state })}\n`);
// A reporter runs for days: what the engine pays once, until the hot code is compiled, is not the cost of an event either.
process.on("SIGUSR2", () => {
  began = tracer.drain().health;
  before = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ counting: true })}\n`);
});
process.on("SIGTERM", () => {
  clearTimeout(timer);
  const { events, lost, facts } = tracer.drain().health;
  const { user, system } = process.cpuUsage(before);
  tracer.close();
  const counts = { events: events - began.events, lost: lost - began.lost, facts: facts - began.facts };
  process.stdout.write(`${JSON.stringify({ ...counts, cpuMicros: user + system })}\n`);
});
