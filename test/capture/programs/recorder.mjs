// A recorder to be killed: writes numbered messages without end to the file named, and tells on stdout how many are
// written. Arguments: file, `gzip` or `plain`.
import { createCaptureWriter } from "@conntrail/capture";

const [path, packing] = process.argv.slice(2);
const writer = await createCaptureWriter(path, { compress: packing === "gzip", flushMs: 20, chunkBytes: 16 * 1024 });
const bytes = new Uint8Array(200);
const view = new DataView(bytes.buffer);
view.setUint32(0, bytes.length, true);
const facts = { netns: 1, family: 12, outgoing: false, multicast: true };
for (let i = 0; ; ) {
  for (const end = i + 500; i < end; i++) {
    view.setUint32(8, i, true);
    writer.writeDatagram({ ...facts, timeMs: i }, bytes, 0, bytes.length);
  }
  await writer.flush();
  process.stdout.write(`${i}\n`);
}
