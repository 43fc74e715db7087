// Loaded with `--import`: a Node whose functions that lead to the event loop have other names, as in a build that does not export them.
import { register } from "node:module";

register("../../world/programs/plant.mjs", import.meta.url, {
  data: {
    file: "/packages/netlink/dist/socket/readable-wait.js",
    words: "int uv_backend_fd(uintptr_t)",
    instead: "int uv_backend_fd_of_nobody(uintptr_t)",
  },
});
