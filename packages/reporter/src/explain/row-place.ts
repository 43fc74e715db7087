/** Commands that look at where a row is from, and what namespaces are called in a text. */
import type { ConnectionJson } from "@conntrail/report";
import type { Candidate, ScanFindings } from "./scan-findings.ts";

/** Namespaces or candidates that are named one by one. */
const MOST_NAMED = 6;

/** The command, in the row's network namespace where that has a name that `ip netns` takes. */
export function inNamespace({ netnsName }: ConnectionJson, command: string): string {
  return inNamed(netnsName, command);
}

/** The command in the namespace of that name. */
export function inNamed(name: string | undefined, command: string): string {
  return name !== undefined && /^[\w.-]+$/.test(name) ? `ip netns exec ${name} ${command}` : command;
}

/** The command in the one namespace that has the address; where none or several have it, as it stands. */
export function whereAddress(found: ScanFindings, address: string, command: string): string {
  const homes = found.homes(address);
  return inNamed(homes.length === 1 ? homes[0]!.name : undefined, command);
}

/** What a namespace is called: its name, else its number. */
export function namespaceText(found: ScanFindings, netns: number): string {
  return found.nameOf(netns) ?? `namespace ${netns}`;
}

/** `curl (pid 7) in web: 10.0.0.1:80 → 10.0.0.2:4711`, one after another. */
export function candidatesText(found: ScanFindings, candidates: Iterable<Candidate>): string {
  const texts = Array.from(candidates, ({ who, netns, what }) => {
    const place = netns === null ? "" : ` in ${namespaceText(found, netns)}`;
    return `${who}${place}: ${what}`;
  });
  return listed(texts, "; ");
}

/** The namespaces that the latest scan read: how many, and what they are called. */
export function lookedInto(found: ScanFindings): string {
  const names = found.namespaces.map(({ netns }) => namespaceText(found, netns));
  if (names.length === 0) return "";
  return names.length === 1 ? `one namespace (${names[0]})` : `${names.length} namespaces (${listed(names, ", ")})`;
}

function listed(texts: readonly string[], between: string): string {
  const left = texts.length - MOST_NAMED;
  return `${texts.slice(0, MOST_NAMED).join(between)}${left > 0 ? `${between}and ${left} more` : ""}`;
}
