/** The version in which reports name their maker. A test holds it to that of the packages. */

/** As in package.json. */
export const VERSION = "0.1.0";
