#!/usr/bin/env node
/** The command, as npm links it: from the packed package, and from a checkout, where it has to be built first. */
try {
  await import("@conntrail/cli");
} catch (error) {
  if (error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
  process.stderr.write(`conntrail: it is not built yet: run "npm run build" in the checkout (${error.message})\n`);
  process.exitCode = 1;
}
