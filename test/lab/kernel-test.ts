/** A test that needs a real kernel with namespaces and conntrack. Without them it is left out loudly, or fails when CONNTRAIL_REQUIRE_KERNEL is 1. */
import { type TestContext, test } from "vitest";
import { KERNEL_SKIP, kernelObstacle, toolObstacle } from "./kernel.ts";

/** What a kernel test asks for beyond the kernel. */
export interface KernelTestOptions {
  /** Milliseconds; 60,000 without it: a busy machine takes long to start programs. */
  readonly timeout?: number;
  /** Further programs, such as `dnsmasq` or `tshark`. Where one is not installed the test is left out, loudly, in any case. */
  readonly requires?: readonly string[];
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Declares a kernel test. The last argument is a timeout in milliseconds or the options. */
export function kernelTest(
  name: string,
  run: (context: TestContext) => Promise<void> | void,
  options: number | KernelTestOptions = {},
): void {
  const { timeout = DEFAULT_TIMEOUT_MS, requires = [] } = typeof options === "number" ? { timeout: options } : options;
  test(name, { timeout }, async (context) => {
    const { skip } = context;
    const obstacle = await kernelObstacle();
    if (obstacle !== undefined) {
      if (process.env.CONNTRAIL_REQUIRE_KERNEL === "1") {
        throw new Error(`CONNTRAIL_REQUIRE_KERNEL is 1, but kernel tests cannot run here: ${obstacle}`);
      }
      skip(KERNEL_SKIP + obstacle);
    }
    const missing = toolObstacle(requires);
    if (missing !== undefined) skip(KERNEL_SKIP + missing);
    await run(context);
  });
}
