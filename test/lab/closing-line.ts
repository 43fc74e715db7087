/**
 * The end of a test run, as a vitest reporter: how many kernel tests were left out, why, and what would run them;
 * then one plain line, `N passed, N failed, N skipped`, for whoever reads the log by program.
 */
import type { Reporter, TestModule } from "vitest/node";
import { KERNEL_SKIP } from "./kernel.ts";

/** Names shown for each reason. */
const NAMED = 10;

/** Makes the reporter. It keeps nothing between runs and prints to stdout after vitest's own summary. */
export function closingLine(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const skipped = kernelSkips(modules);
      if (skipped.size > 0) process.stdout.write(`${banner(skipped)}\n`);
      process.stdout.write(`${totals(modules, unhandledErrors.length)}\n`);
    },
  };
}

/** The names of the kernel tests that were left out, by reason. */
function kernelSkips(modules: readonly TestModule[]): Map<string, string[]> {
  const byReason = new Map<string, string[]>();
  for (const module of modules) {
    for (const test of module.children.allTests("skipped")) {
      const result = test.result();
      const note = result.state === "skipped" ? result.note : undefined;
      if (!note?.startsWith(KERNEL_SKIP)) continue;
      const reason = note.slice(KERNEL_SKIP.length);
      byReason.set(reason, [...(byReason.get(reason) ?? []), test.fullName]);
    }
  }
  return byReason;
}

function banner(skipped: ReadonlyMap<string, readonly string[]>): string {
  const count = [...skipped.values()].reduce((sum, names) => sum + names.length, 0);
  const lines = ["", "!".repeat(100), `!!  ${count} KERNEL TEST${count === 1 ? "" : "S"} DID NOT RUN`];
  for (const [reason, names] of skipped) {
    lines.push(`!!  ${names.length} × ${reason}`);
    for (const name of names.slice(0, NAMED)) lines.push(`!!      ${name}`);
    if (names.length > NAMED) lines.push(`!!      … and ${names.length - NAMED} more`);
  }
  lines.push(
    "!!  To run them all: be root on Linux, `apt-get install nftables iproute2 conntrack dnsmasq-base tshark`, run again.",
    "!!  With CONNTRAIL_REQUIRE_KERNEL=1 a kernel test that cannot run is a failure.",
    "!".repeat(100),
    "",
  );
  return lines.join("\n");
}

function totals(modules: readonly TestModule[], unhandledErrors: number): string {
  let [passed, failed, skipped] = [0, unhandledErrors, 0];
  for (const module of modules) {
    let tests = 0;
    for (const test of module.children.allTests()) {
      tests++;
      const { state } = test.result();
      if (state === "passed") passed++;
      else if (state === "failed") failed++;
      else skipped++;
    }
    // A file that could not be loaded has no tests to count, yet it failed.
    if (!module.ok() && (tests === 0 || module.errors().length > 0)) failed++;
  }
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
