/** The RxJS stages of the pipeline, in its order. */
export { attachContainers, type ContainerSource } from "./attach-containers.ts";
export { attachNames, type NameSource } from "./attach-names.ts";
export { type AwaitCutOptions, awaitCut } from "./await-cut.ts";
export { findChanges } from "./changes/find-changes.ts";
export { mapNat } from "./map-nat.ts";
export { markStale } from "./mark-stale.ts";
export { merge } from "./merge.ts";
export type { MergeOptions } from "./merge-options.ts";
export { ROW_LAYOUTS, type RowField } from "./rows/row-layout.ts";
export type { Stage } from "./stage.ts";
export { tellTcp } from "./tcp/tell-tcp.ts";
export { creditTraced } from "./traced/credit-traced.ts";
export type { BoundedSnapshot } from "./traced/row-bounds.ts";
