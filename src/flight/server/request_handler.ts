import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ConnectRouter, type ConnectRouterOptions, createConnectRouter } from "@connectrpc/connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { goneAway } from "../status.ts";

/** What a server of `node:http2` calls for a request. */
export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/**
 * Answers gRPC by the routes that `addRoutes` adds and by `others`, by path. connect-node has the same as `connectNodeAdapter`, which writes to the
 * console where a client goes away before its answer has ended.
 */
export function requestHandler(
  addRoutes: (router: ConnectRouter) => void,
  options: Pick<ConnectRouterOptions, "readMaxBytes" | "writeMaxBytes" | "compressMinBytes">,
  others: ReadonlyMap<string, UniversalHandlerFn>,
): RequestHandler {
  const router = createConnectRouter({
    ...options,
    acceptCompression: [compressionGzip],
    connect: false,
    grpcWeb: false,
  });
  addRoutes(router);
  const routes = router.handlers.map((handler) => [handler.requestPath, handler] as const);
  const handlers = new Map<string, UniversalHandlerFn>([...routes, ...others]);
  return (request, response) => {
    const handler = handlers.get(request.url ?? "");
    if (!handler) {
      // As gRPC has it, which takes this for UNIMPLEMENTED.
      response.statusCode = 404;
      response.end();
      return;
    }
    const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
    handler({ ...universal, body: wholeBody(request, universal.body as AsyncIterable<Uint8Array>) })
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch(() => response.destroy()); // the call's record tells what came of it
  };
}

/**
 * A request's body. Node and Bun give one that the client has cancelled as if it had ended: an upload would be taken for
 * whole.
 */
async function* wholeBody(
  request: IncomingMessage | Http2ServerRequest,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* body;
  if (request.aborted || ("stream" in request && request.stream.rstCode !== 0)) throw goneAway();
}
