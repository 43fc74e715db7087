// Asks for a name at the server given, never closes the resolver and has nothing else to do; the server never answers.
import { parseAddress } from "@conntrail/model";
import { createResolver } from "@conntrail/names";

const resolver = createResolver({ servers: [process.argv[2]], debounceMs: 1 });
resolver.get(parseAddress("10.0.0.9"), 0);
setTimeout(() => {}, 200); // long enough for the question to leave
