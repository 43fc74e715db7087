/** Debian's Chromium, without a window, driven by playwright-core. */
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** A page in a browser of its own, with everything it asked for and complained of. */
export interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly requests: string[];
  readonly problems: string[];
}

/** Opens an address. */
export async function openPage(address: string, options: { readonly dark?: boolean } = {}): Promise<Opened> {
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const page = await browser.newPage({
    viewport: { width: 1400, height: 760 },
    colorScheme: options.dark === true ? "dark" : "light",
  });
  const requests: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(address);
  return { page, requests, problems, [Symbol.asyncDispose]: () => browser.close() };
}
