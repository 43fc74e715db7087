/** Amounts of bytes for people: three digits and a letter. */

const UNITS = ["B", "K", "M", "G", "T", "P"] as const;

/** `532B`, `1.2K`, `34M`: units of 1,024. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)}${UNITS[unit]}`;
}
