/** Where the page's files lie, for whoever serves them. */
import { fileURLToPath } from "node:url";

/** The folder: `index.html`, `page.js`, `page.css`. */
export const PAGE_FOLDER: string = fileURLToPath(new URL("./assets/", import.meta.url));
