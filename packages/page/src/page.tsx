/** The page's beginning: asks what the server is, draws, and follows. */
import { render } from "preact";
import { readKept } from "./address-bar.ts";
import { App } from "./app.tsx";
import { follow, readInfo } from "./feed.ts";
import { Store } from "./store.ts";

const place = document.getElementById("page")!;
const store = new Store();
try {
  const info = await readInfo(store);
  let connected = false;
  store.ask(readKept().filter);
  render(<App store={store} info={info} isConnected={() => connected} />, place);
  document.title = info.host === null ? "conntrail" : `conntrail · ${info.host}`;
  if (info.mode === "live") {
    await follow(store, (is) => {
      connected = is;
      store.tell();
    });
  }
} catch (error) {
  place.textContent = `conntrail: ${error instanceof Error ? error.message : String(error)}`;
}
