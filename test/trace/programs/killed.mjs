// Traces, with a child that outlives it for a minute at the most: prints { pid, child, cpus } and waits to be killed.
import { spawn } from "node:child_process";
import { openTracer } from "@conntrail/trace";

const tracer = openTracer();
const { pid: child } = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
const { cpus } = tracer.drain().health;
process.stdout.write(`${JSON.stringify({ pid: process.pid, child, cpus })}\n`);
setInterval(() => tracer.drain(), 10);
