/** Which network namespaces are looked into, as whoever embeds us says it: by the name that ip-netns(8) gives, or by the inode that lsns(8) shows. */
import type { FoundNamespace } from "./namespaces.ts";

/** All that can be entered; the one this process is in (`own`); or those of a list, by name or inode, in which `own` is that of this process too. Plain data. */
export type NamespaceChoice = "all" | "own" | readonly (string | number)[];

/** Whether a namespace is among those that were chosen. `own`: the inode of the one that this process is in. */
export function isChosen(
  choice: NamespaceChoice,
  own: number,
  { netns, name }: Pick<FoundNamespace, "netns" | "name">,
): boolean {
  if (choice === "all") return true;
  if (choice === "own") return netns === own;
  return choice.some((each) => each === netns || (each === "own" ? netns === own : each === name));
}
