/** Permission as an answer: what may not be read is unknown, like what is gone. Every other refusal ends the scan. */
import { isNotPermitted } from "@conntrail/procfs";

/** What `read` gives, or `undefined` in place of an OpError for want of permission (EACCES, EPERM). */
export function orForbidden<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isNotPermitted(error)) return undefined;
    throw error;
  }
}
