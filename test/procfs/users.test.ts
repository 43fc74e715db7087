/** Users by number. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePasswd, parseUid, UserNames } from "@conntrail/procfs";
import { expect, test } from "vitest";

test("the effective user of a process is the second number of its line", () => {
  expect(parseUid("Name:\tcurl\nUid:\t1000\t33\t33\t33\nGid:\t1\t1\t1\t1\n")).toBe(33);
  expect(parseUid("Name:\tcurl\n")).toBeUndefined();
});

test("names are those of passwd, the first of two with one number; lines of another form are passed over", () => {
  const names = parsePasswd(
    "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n# no\nwww-data:x:33:33::/:\n+::::::\nbad\n",
  );
  expect([...names]).toEqual([
    [0, "root"],
    [33, "www-data"],
  ]);
});

test("a user who is added later is known when somebody asks", () => {
  const root = mkdtempSync(join(tmpdir(), "users-"));
  try {
    mkdirSync(join(root, "1", "root", "etc"), { recursive: true });
    const file = join(root, "1", "root", "etc/passwd");
    writeFileSync(file, "alice:x:1:1::/:\n");
    const users = new UserNames(root);
    expect([users.name(1), users.name(2)]).toEqual(["alice", undefined]);
    writeFileSync(file, "alice:x:1:1::/:\nbob:x:2:2::/:\n");
    utimesSync(file, 1, 1);
    expect(users.name(2)).toBe("bob");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
