/**
 * A server that records what sensors send over a WebSocket, one JSON text a message, as `toJSON()` of a message gives it:
 * `{ "topic": "gps", "timestamp_ns": "10", "data": { "position": { "x": 45.46, "y": 9.19, "z": 122 } } }`. Bytes are in
 * base64, 64-bit integers are strings. What is refused is answered with the reason. Ctrl-C commits the sequence.
 *
 * Run it: `bun examples/websocket_server.ts drive`; beside it `follow.ts`.
 */
import { once } from "node:events";
import process from "node:process";
import { binary, connect, defineOntology, GPS, IMU, int64 } from "smalti";

const Spectrum = defineOntology("Spectrum", { sample_count: int64(), bins: binary() });

await using client = await connect("./recordings");
await client.sequenceCreate(process.argv[2], { latenessNs: 200_000_000n }, async (sequence) => {
  await sequence.topicCreate("imu", { ontology: IMU });
  await sequence.topicCreate("gps", { ontology: GPS });
  await sequence.topicCreate("spectrum", { ontology: Spectrum });

  using server = Bun.serve({
    fetch: (request, server) => server.upgrade(request) ? undefined : new Response("wants a WebSocket", { status: 426 }),
    websocket: {
      async message(socket, text) {
        try {
          const message = JSON.parse(String(text));
          const topic = sequence.topics.get(message.topic);
          if (topic === undefined) throw new Error(`No topic ${JSON.stringify(message.topic)}`);
          await topic.pushJson(message);
        } catch (reason) {
          socket.send(String(reason));
        }
      },
    },
  });
  console.log(`recording on ${server.url}`);
  await once(process, "SIGINT");
}); // returned: committed
