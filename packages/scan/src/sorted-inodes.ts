/** Sets of inodes as ascending arrays without repeats: small, quick to compare, and the same whatever the order of a dump. */

/** The set of `values` without 0, in the same buffer. */
export function sortedInodes(values: Uint32Array): Uint32Array {
  const sorted = values.sort();
  let length = 0;
  for (let i = 0; i < sorted.length; i++) {
    const value = sorted[i]!;
    if (value !== 0 && (length === 0 || value !== sorted[length - 1])) sorted[length++] = value;
  }
  return sorted.subarray(0, length);
}

/** The members of `before` that `now` does not have. */
export function missingFrom(now: Uint32Array, before: Uint32Array): number[] {
  const missing: number[] = [];
  let i = 0;
  for (const value of before) {
    while (i < now.length && now[i]! < value) i++;
    if (now[i] !== value) missing.push(value);
  }
  return missing;
}

/** True when `inodes` has the member. */
export function hasInode(inodes: Uint32Array, inode: number): boolean {
  let low = 0;
  let high = inodes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (inodes[middle]! < inode) low = middle + 1;
    else high = middle;
  }
  return inodes[low] === inode;
}
