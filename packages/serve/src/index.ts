/** Reports over HTTP. */
export { isLoopbackOnly, type ListenAddress, parseListenAddress } from "./listen-address.ts";
export { type Served, type ServeOptions, serve } from "./serve.ts";
export type { ChangeSource, ToldChange } from "./told-change.ts";
