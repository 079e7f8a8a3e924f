# The worker of worker.ts, once it is bundled.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])), # what fetch may ask
  ],
  sockets = [(name = "http", address = "localhost:8080", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [
    (name = "worker.js", esModule = embed "dist/worker.js"),
    (name = "smalti.wasm", wasm = embed "dist/smalti.wasm"),
  ],
  bindings = [(name = "RECORDINGS", fromEnvironment = "RECORDINGS")],
);
