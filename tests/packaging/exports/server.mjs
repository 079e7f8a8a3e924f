import { connect as connectHttp2 } from "node:http2";
import { connect } from "smalti";
import * as flight from "smalti/server";
import { check } from "./support.mjs";

console.log(Object.keys(flight).sort().join(" "));

/** Action `info` by hand: a gRPC frame around `Action{type: "info"}`. */
function askInfo(url) {
  const connection = connectHttp2(url.replace("grpc:", "http:"));
  const request = connection.request({
    ":method": "POST",
    ":path": "/arrow.flight.protocol.FlightService/DoAction",
    "content-type": "application/grpc",
    te: "trailers",
  });
  request.end(Uint8Array.of(0, 0, 0, 0, 6, 10, 4, ...new TextEncoder().encode("info")));
  return new Promise((resolve, reject) => {
    let text = "";
    request.setEncoding("latin1").on("data", (part) => text += part);
    request.on("end", () => resolve(text));
    request.on("error", reject);
  }).finally(() => connection.close());
}

const client = await connect("memory:");
const server = await flight.createServer(client, { port: 0 });
const answer = await askInfo(server.url);
check("answers info", JSON.parse(answer.slice(answer.indexOf("{"))).action, "info");
await server.close();
await client.close();
