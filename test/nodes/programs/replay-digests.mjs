// Replays every sample and every capture of the tests, and prints the digest of the reports of each: `{ "node": "v20.20.0", "digests": { "shop.pcapng": "…" } }`.
import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeJson } from "@conntrail/report";
import { replayReports } from "@conntrail/reporter";

const FOLDERS = ["../../../samples", "../../fixtures/capture", "../../fixtures/conntrack-text"];
const FILES = /\.(pcapng|pcap|pcap\.gz|pcapng\.gz|txt)$/;

const digests = {};
for (const folder of FOLDERS) {
  const path = fileURLToPath(new URL(folder, import.meta.url));
  for (const name of readdirSync(path)
    .filter((each) => FILES.test(each))
    .sort()) {
    digests[name] = await digest(join(path, name));
  }
}
console.log(JSON.stringify({ node: process.version, digests }));

/** The digest of a file's reports, and of what was refused. */
async function digest(path) {
  const hash = createHash("sha256");
  try {
    for await (const report of replayReports(createReadStream(path), {})) hash.update(encodeJson(report));
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    hash.update(String(error));
  }
  return hash.digest("hex");
}
