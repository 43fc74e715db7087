/** Names of the files of a rotated recording: `x.pcapng` becomes `x-00001.pcapng`, `x-00002.pcapng`, … */

/** The name of file `number`, counted from 1, five digits or more, before the suffixes that a capture may have. */
export function rotatedPath(path: string, number: number): string {
  const [, stem = path, suffix = ""] = /^(.*?)((?:\.pcapng|\.pcap|\.cap)?(?:\.gz)?)$/s.exec(path) ?? [];
  return `${stem}-${String(number).padStart(5, "0")}${suffix}`;
}
