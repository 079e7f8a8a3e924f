/** Headers of all answers. The page may run what comes with it and nothing else, and ask this server alone. */
export function safeHeaders(): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "Content-Security-Policy": policy.join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    // What is shown may be written anew at any time; an ETag makes asking cheap.
    "Cache-Control": "no-cache",
  };
}

const TYPES: Readonly<Record<string, string>> = {
  arrow: "application/vnd.apache.arrow.file",
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  live: "application/json",
  map: "application/json",
  mjs: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  wasm: "application/wasm",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};

/** The media type of a file by the end of its name. */
export function mediaType(name: string): string {
  const [, end = ""] = /\.([a-z0-9]+)$/i.exec(name) ?? [];
  return (Object.hasOwn(TYPES, end.toLowerCase()) && TYPES[end.toLowerCase()]) || "application/octet-stream";
}
