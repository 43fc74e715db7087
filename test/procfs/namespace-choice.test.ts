/** Which namespaces a choice means. */
import { isChosen, type NamespaceChoice } from "@conntrail/procfs";
import { expect, test } from "vitest";

const OWN = { netns: 7, name: undefined };
const SHOP = { netns: 8, name: "shop" };

test.each<[NamespaceChoice, boolean, boolean]>([
  ["all", true, true],
  ["own", true, false],
  [["own"], true, false],
  [["shop"], false, true],
  [[8], false, true],
  [["own", "shop"], true, true],
  [[7, 8], true, true],
  [["7", "8"], false, false],
  [[9, "other"], false, false],
])("%j: the own one %s, another one %s", (choice, own, other) => {
  expect([OWN, SHOP].map((each) => isChosen(choice, OWN.netns, each))).toEqual([own, other]);
});
