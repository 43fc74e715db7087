/** The bench command: `npm run bench [-- REGEX…] [--json] [--profile] [--against FILE]`. Results to stdout, progress to stderr. */
import { fork } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compareRuns, formatChanges } from "./compare.ts";
import { findBenchFiles } from "./discover.ts";
import { machineFacts } from "./machine.ts";
import { formatGrowth, plotGrowth } from "./plot.ts";
import { summarizeProfile } from "./profile.ts";
import { addRound, type BenchFile, benchFile, type FigureResult, type Omission, readBenchFile } from "./result.ts";
import type { FileMessage, FileRequest } from "./run-file.ts";
import { formatTable } from "./table.ts";

const FOLDER = import.meta.dirname;
const LOCAL = join(FOLDER, "results", "local");
/** A profile of a shorter run shows mostly how Node starts. */
const PROFILED_MS = 3000;
const LEAST_SAMPLES = 5;
const HELP = `npm run bench [-- REGEX…] [options]

  REGEX            run the cases whose name one of these matches; all without any
  --list           print the names and run nothing
  --json           print the run as JSON (the table goes to stderr)
  --out FILE       write the run as JSON to FILE too
  --against FILE   compare with an earlier run, and say what is beyond the noise
  --plot FILE      where the plot of cost against size goes (default results/local/growth.svg)
  --profile        run one case under --cpu-prof and print where its time went
  --time MS        how long each timed case is repeated, all rounds together (default 1000)
  --rounds N       how many times all files are gone through, each in new processes (default 5)
  --strict         exit with 1 when a target is missed
  --capture FILE   what the case replay/capture replays: a recording, or a capture of conntrack by another program
  --folder DIR     take the bench files from another folder
`;

/** What came of the cases of all files. */
interface Outcome {
  figures: FigureResult[];
  readonly omitted: Omission[];
  readonly names: string[];
  /** The files that had a matching case. */
  readonly files: Set<string>;
}

const { values: flags, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string" },
    against: { type: "string" },
    plot: { type: "string" },
    profile: { type: "boolean", default: false },
    time: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    strict: { type: "boolean", default: false },
    capture: { type: "string" },
    folder: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (flags.help) return print(HELP);
  // Read first: it may be the file that this run is about to replace.
  const earlier = flags.against === undefined ? undefined : readBenchFile(fromCaller(flags.against));
  if (flags.capture !== undefined) process.env.CONNTRAIL_BENCH_CAPTURE = fromCaller(flags.capture);
  const machine = machineFacts();
  const folder = flags.folder === undefined ? FOLDER : fromCaller(flags.folder);
  let files = findBenchFiles(folder);
  if (flags.list || flags.profile) {
    const listed = await runAll(files, folder, true);
    if (flags.list) return print(`${listed.names.join("\n")}\n`);
    if (listed.names.length !== 1) {
      return complain(`--profile takes one case, and ${listed.names.length} match:\n${listed.names.join("\n")}`);
    }
    files = [...listed.files];
    removeProfiles();
  }
  const { figures, omitted } = await runAll(files, folder, false);
  if (flags.profile) return showProfiles();
  if (figures.length + omitted.length === 0)
    return complain(`no case matches ${patterns.join(" ")}; --list shows the names`);
  const file = benchFile(machine, figures, omitted);
  save(file);
  report(file, earlier);
  const broken = omitted.some(({ failed }) => failed);
  return broken || (flags.strict && file.results.some(({ met }) => met === false)) ? 1 : 0;
}

/** Runs the matching cases of the files, one file after the other, each in its own process. */
async function runAll(files: readonly string[], folder: string, list: boolean): Promise<Outcome> {
  const outcome: Outcome = { figures: [], omitted: [], names: [], files: new Set() };
  const rounds = list || flags.profile ? 1 : Math.max(1, Number(flags.rounds));
  const timeMs = flags.profile ? Math.max(Number(flags.time), PROFILED_MS) : Number(flags.time) / rounds;
  const minSamples = Math.ceil(LEAST_SAMPLES / rounds);
  for (let round = 0; round < rounds; round++) {
    for (const file of files) await runFile({ file, folder, patterns, list, timeMs, minSamples, round }, outcome);
  }
  return outcome;
}

function runFile(request: FileRequest, outcome: Outcome): Promise<void> {
  const profiling = flags.profile && !request.list ? ["--cpu-prof", `--cpu-prof-dir=${LOCAL}`] : [];
  return new Promise((done) => {
    const child = fork(join(FOLDER, "run-file.ts"), [JSON.stringify(request)], {
      execArgv: ["--import", "tsx", ...profiling],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    let running = request.file;
    // The same case may fail in every round: told once.
    const omit = (omission: Omission): void => {
      if (!outcome.omitted.some((known) => known.case === omission.case)) outcome.omitted.push(omission);
    };
    child.on("message", (message: FileMessage) => {
      if (message.kind === "case") {
        running = message.name;
        outcome.names.push(message.name);
        outcome.files.add(request.file);
      } else if (message.kind === "progress") process.stderr.write(`${message.text}\n`);
      else if (message.kind === "figures") outcome.figures = addRound(outcome.figures, message.figures);
      else omit(message.omission);
    });
    child.on("exit", (code, signal) => {
      if (code !== 0) omit({ case: running, reason: `its process ended with ${code ?? signal}`, failed: true });
      done();
    });
  });
}

function save(file: BenchFile): void {
  mkdirSync(LOCAL, { recursive: true });
  const text = `${JSON.stringify(file, undefined, 1)}\n`;
  if (flags.folder === undefined) writeFileSync(join(LOCAL, "last.json"), text);
  if (flags.out !== undefined) writeFileSync(fromCaller(flags.out), text);
}

function report(file: BenchFile, earlier: BenchFile | undefined): void {
  const { machine } = file;
  const facts = `${machine.date} · ${machine.cpu} × ${machine.cores} · Linux ${machine.kernel} · Node ${machine.node} · load ${machine.load.toFixed(2)}`;
  const busy = machine.load > machine.cores ? ["The machine was busy with something else: times are too long."] : [];
  const lines = [facts, ...busy, "", formatTable(file.results), ""];
  if (earlier !== undefined) lines.push(formatChanges(earlier, file, compareRuns(earlier.results, file.results)), "");
  for (const { case: name, reason, failed } of file.omitted)
    lines.push(`${failed ? "FAILED" : "LEFT OUT"} ${name}: ${reason}`);
  const plot = plotGrowth(file.results, facts);
  if (plot !== undefined) {
    lines.push(...formatGrowth(file.results));
    const path = flags.plot === undefined ? join(LOCAL, "growth.svg") : fromCaller(flags.plot);
    writeFileSync(path, plot);
    lines.push(`cost against size: ${path}`);
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(file, undefined, 1)}\n`);
  (flags.json ? process.stderr : process.stdout).write(`${lines.join("\n")}\n`);
}

function profiles(): string[] {
  mkdirSync(LOCAL, { recursive: true });
  return readdirSync(LOCAL)
    .filter((name) => name.endsWith(".cpuprofile"))
    .sort()
    .map((name) => join(LOCAL, name));
}

function removeProfiles(): void {
  for (const path of profiles()) rmSync(path);
}

/** One profile for each thread that ran our code. */
function showProfiles(): number {
  for (const path of profiles()) {
    const summary = summarizeProfile(path);
    if (summary === undefined) rmSync(path);
    else print(`${summary}\n${path} (opens in Chrome's developer tools and in VS Code)\n\n`);
  }
  return 0;
}

/** A path as the person who typed it meant it: npm runs scripts in the package's folder and keeps theirs in INIT_CWD. */
function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function complain(text: string): number {
  process.stderr.write(`${text}\n`);
  return 2;
}
