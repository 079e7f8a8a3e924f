/**
 * A worker (workerd) that replays recordings which a web server has, as JSON lines in order:
 * `curl "http://localhost:8080/flight?topic=airspeed&topic=vehicle_air_data"`. Any web server that serves ranges will do.
 *
 * Bundle it: `npx esbuild examples/worker/worker.ts --bundle --format=esm --target=es2022 --platform=neutral \
 *   --main-fields=module,main --conditions=workerd,worker,browser --loader:.wasm=copy --asset-names=smalti \
 *   --outdir=examples/worker/dist`
 *
 * Run it, with RECORDINGS=https://host/recordings/ in the environment: `npx workerd serve examples/worker/config.capnp`
 */
import { connect, type Message } from "smalti";

export default {
  async fetch(request: Request, env: { RECORDINGS: string }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const client = await connect(env.RECORDINGS);
    const handler = await client.sequenceHandler(pathname.slice(1));
    const topics = searchParams.has("topic") ? searchParams.getAll("topic") : undefined;
    const lines = new TransformStream<[string, Message], string>({
      transform: ([, message], controller) => controller.enqueue(JSON.stringify(message) + "\n"),
    });
    const messages = handler.getDataStreamer({ topics }).toReadableStream();
    return new Response(messages.pipeThrough(lines).pipeThrough(new TextEncoderStream()));
  },
};
