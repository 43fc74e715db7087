/** Captures of netlink: reading, writing, and conntrack's text; in reading order. */

export type { CaptureSource, PacketBatch } from "./batch.ts";
export { BATCH_PACKETS, PACKET } from "./batch.ts";
export type { CaptureWriter, WriterCounts } from "./capture-writer.ts";
export { createCaptureWriter } from "./capture-writer.ts";
export type { CaptureCounts } from "./counts.ts";
export type { CaptureItem } from "./decoder.ts";
export type { CaptureFormat } from "./detect-format.ts";
export { detectFormat } from "./detect-format.ts";
export type { CaptureErrorCode, LineErrorCode } from "./errors.ts";
export { CaptureError, isCaptureError, ParseError } from "./errors.ts";
export type { SectionFacts } from "./pcapng-encode.ts";
export type { CaptureInput, CaptureReader, ReadOptions } from "./read-capture.ts";
export { readCapture } from "./read-capture.ts";
export { packetRecord, readRecords } from "./read-records.ts";
export type { RecordedScan } from "./recorded-scan.ts";
export { ScanCollector, scanRecords } from "./recorded-scan.ts";
export type {
  CaptureRecord,
  ContainerAnswer,
  ContainersRecord,
  DumpRecord,
  EmptiedRecord,
  HealthRecord,
  HostRecord,
  Json,
  LossCause,
  LossRecord,
  NameAnswer,
  NamespaceRecord,
  NamesRecord,
  NetlinkRecord,
  OptionsRecord,
  OwnersRecord,
  ProcNetRecord,
  ReleasedRecord,
  ScanAccount,
  ScanMarkRecord,
  SidecarRecord,
  SocketsRecord,
  TickRecord,
} from "./records.ts";
export { LOSS_CAUSE } from "./records.ts";
export type { TextOptions } from "./text-decode.ts";
export type { CaptureWriterOptions } from "./writer-options.ts";
