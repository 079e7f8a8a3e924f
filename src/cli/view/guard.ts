/**
 * Who may ask: the page that was opened with the token, by a name of this machine's own.
 *
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** How long the address that a browser is opened with is good, in ms. */
const ONCE_MS = 60_000;

/** Whether an address is of this machine alone. */
export function isLoopback(host: string): boolean {
  const address = bare(host);
  return isLocalName(address) || address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

/** Decides by a token, and by the name that was asked for. */
export class Guard {
  readonly token: string;
  readonly #host: string;
  /** What a browser is opened with once: other users of the machine see the commands that run. */
  #once: { readonly token: string; readonly untilMs: number } | undefined;

  /** @param host What is listened on. */
  constructor(host: string, token: string = newToken()) {
    this.#host = bare(host);
    this.token = token;
  }

  /** A token that is good for one use, and not for long. */
  once(): string {
    this.#once = { token: newToken(), untilMs: performance.now() + ONCE_MS };
    return this.#once.token;
  }

  /**
   * Whether the name is one that no stranger can make lead here: another site's page can ask a name of its own, which it lets
   * stand for this machine (DNS rebinding), but no address.
   */
  isOwnName(host: string | undefined): boolean {
    const name = nameIn(host ?? "");
    if (name === undefined) return false;
    if (isLoopback(name)) return true;
    return !isLoopback(this.#host) && (isIP(name) !== 0 || name === this.#host.toLowerCase());
  }

  /** Whether a request brings the token, in its cookie; `given` is the one in its URL. */
  allows({ headers, socket }: IncomingMessage, given: string | null): boolean {
    if (given !== null && this.isToken(given)) return true;
    const name = cookieName(socket.localPort);
    const found = headers.cookie?.split(";").map((cookie) => cookie.trim().split("=")) ?? [];
    return found.some(([key, value]) => key === name && value !== undefined && isSame(value, this.token));
  }

  /** Whether it is the token, or the one for a single use, which is used up by that. */
  isToken(given: string): boolean {
    if (isSame(given, this.token)) return true;
    const once = this.#once;
    if (!once || !isSame(given, once.token)) return false;
    this.#once = undefined;
    return performance.now() < once.untilMs;
  }

  /** The cookie for who came with the token. Ports share cookies, so it has the port in its name. */
  cookie({ socket }: IncomingMessage): string {
    return `${cookieName(socket.localPort)}=${this.token}; Path=/; HttpOnly; SameSite=Strict`;
  }
}

/** Whether a request that changes something comes from the page itself, as far as browsers tell. */
export function isOwnPage({ headers }: IncomingMessage): boolean {
  const { origin, host, "sec-fetch-site": site } = headers;
  if (site !== undefined && site !== "same-origin") return false;
  return origin === undefined || origin === `http://${host}`;
}

function newToken(): string {
  return randomBytes(24).toString("base64url");
}

function cookieName(port: number | undefined): string {
  return `smalti-view-${port ?? 0}`;
}

/** An address without the brackets that IPv6 has in URLs. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

/** The name in a `Host`, without its port; undefined where it is none. */
function nameIn(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

function isLocalName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
