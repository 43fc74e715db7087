/** Words for the page: harmless, and short enough for a box. */
import { printable } from "@conntrail/model";
import type { ConnectionJson, EndJson } from "@conntrail/report";

/** Characters of a text that are ever shown. */
const MOST_CHARACTERS = 400;

/** Text of others, harmless and cut. */
export function safe(text: string): string {
  const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return printable(cut);
}

/** `10.0.0.9:80`, `[fd00::1]:80`. */
function endpoint(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** The process, else the first name, else the address. */
export function who({ process, names, address }: EndJson): string {
  return safe(process ?? names[0] ?? address);
}

/** One line for an end: process, pid, endpoint. */
export function endLine({ process, pid, names, address, port, ownerReason }: EndJson): string {
  const owner =
    process === null
      ? ownerReason === null || ownerReason === "not-local"
        ? ""
        : `(${ownerReason}) `
      : `${process}[${pid}] `;
  const name = names[0];
  return safe(`${owner}${name === undefined ? "" : `${name} `}${endpoint(address, port)}`);
}

/** What NAT did, as it stands on an edge: `dnat 10.9.0.1:80`. */
export function natLine({ nat }: ConnectionJson): string {
  if (nat === null) return "";
  const seen = nat.kind === "snat" ? nat.visible.from : nat.visible.to;
  return `${nat.kind} ${endpoint(seen.address, seen.port)}`;
}

/** `532 B`, `1.2 K`. */
export function amount(bytes: number): string {
  const units = ["B", "K", "M", "G", "T", "P", "E"];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** What went one way: beyond 2^53 with every digit, which a number of JavaScript does not hold. */
export function sent({ bytes }: { readonly bytes: number }, exact: { readonly bytes: string } | undefined): string {
  if (exact === undefined || exact.bytes === String(bytes)) return amount(bytes);
  return `${amount(bytes)} (${exact.bytes} B)`;
}

/** `3s`, `5m`, `2h` of milliseconds. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3600)}h`;
}
