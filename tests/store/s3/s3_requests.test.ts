import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bucket } from "../../../src/store/s3/bucket.ts";
import type { S3Credentials } from "../../../src/store/s3/credentials.ts";
import { S3_LIMITS, type S3Options, s3Place } from "../../../src/store/s3/s3_options.ts";
import { S3Requests } from "../../../src/store/s3/s3_requests.ts";
import { text } from "../../contract/store.ts";
import { expectError, thrownBy } from "../../support/errors.ts";
import { S3Proxy, type S3Trick } from "../../support/s3_proxy.ts";
import { anyS3Server, s3Installed, S3Server } from "../../support/s3_server.ts";

const KEYS = { accessKeyId: "testing", secretAccessKey: "testingsecret" };

if (anyS3Server === undefined) {
  it.skip(`Bucket on a service that fails${s3Installed("moto").skipped}`, () => {});
} else suite(anyS3Server);

function suite(name: "versitygw" | "moto"): void {
  let server: S3Server;
  let proxy: S3Proxy;
  beforeAll(async () => {
    server = await S3Server.start(name);
    proxy = await S3Proxy.start(server.endpoint);
  }, 60_000);
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** The bucket by way of the proxy, which plays these tricks one after another, and then none. */
  function bucket(options: S3Options = {}, ...tricks: S3Trick[]): Bucket {
    proxy.asked.length = 0;
    proxy.trick = (_, count) => tricks[count];
    return new Bucket(s3Place(server.url(), server.options({ endpoint: proxy.endpoint, ...options })));
  }

  async function bytesOf(from: Bucket, key: string): Promise<string> {
    const found = await from.get(key, 0, 1000);
    return typeof found === "object" ? new TextDecoder().decode(found.bytes) : found;
  }

  describe(`Bucket on ${name}, which fails`, () => {
    const failures: Record<string, S3Trick> = {
      "is busy": { status: 503, code: "SlowDown" },
      "is asked too much": { status: 429, code: "TooManyRequests" },
      "waited too long": { status: 400, code: "RequestTimeout" },
      "has an error of its own": { status: 500, code: "InternalError" },
      "drops the answer": { dropAfter: 0 },
      "cuts the answer": { dropAfter: 3 },
    };
    for (const [what, trick] of Object.entries(failures)) {
      it(`reads all the same where it ${what} twice`, async () => {
        await server.open().put("k", text("all of it"));
        expect(await bytesOf(bucket({}, trick, trick), "k")).toBe("all of it");
        expect(proxy.asked.length).toBe(3);
      });
    }

    it("asks again where an answer stalls", async () => {
      await server.open().put("k", text("all of it"));
      bucket({}, { stopAfter: 3 });
      const place = s3Place(server.url(), server.options({ endpoint: proxy.endpoint }));
      const requests = new S3Requests({ ...place, limits: { ...S3_LIMITS, stalledMs: 500 } });
      const { bytes } = await requests.send({ method: "GET", key: "k", tried: "read" });
      expect(new TextDecoder().decode(bytes)).toBe("all of it");
      // A machine that is busy may let more of them stall.
      expect(proxy.asked.length).toBeGreaterThanOrEqual(2);
    });

    it("gives up after some time, UNAVAILABLE, with what the service said", async () => {
      const failing = bucket({ retryMs: 3000 });
      proxy.trick = () => ({ status: 503, code: "SlowDown" });
      await expectError(() => failing.get("k", 0, 1), "UNAVAILABLE", "s3://smalti/k", "503 SlowDown");
      expect(proxy.asked.length).toBeGreaterThan(1);
    });

    it("is left alone for as long as it says, by seconds or by a time of its clock", async () => {
      await server.open().put("k", text("all of it"));
      const date = new Date("2020-01-01T00:00:00Z");
      const told: Record<string, string>[] = [
        { "Retry-After": "1" },
        { "Retry-After": new Date(date.getTime() + 1000).toUTCString(), Date: date.toUTCString() },
      ];
      for (const headers of told) {
        const startMs = performance.now();
        expect(await bytesOf(bucket({}, { status: 503, code: "SlowDown", headers }), "k")).toBe("all of it");
        // Timers may end a little early.
        expect(performance.now() - startMs).toBeGreaterThan(990);
        expect(proxy.asked.length).toBe(2);
      }
    });

    it("is not waited for beyond retryMs, whatever it says", async () => {
      for (const after of ["3600", new Date(Date.now() + 3_600_000).toUTCString()]) {
        const busy = { status: 429, code: "TooManyRequests", headers: { "Retry-After": after } };
        const failing = bucket({ retryMs: 20_000 }, busy);
        await expectError(() => failing.get("k", 0, 1), "UNAVAILABLE", "429 TooManyRequests");
        expect(proxy.asked.length).toBe(1);
      }
    });

    it("is asked again at once where it says what is no time, or a past one", async () => {
      await server.open().put("k", text("all of it"));
      const tricks = ["soon", "0", new Date(0).toUTCString()]
        .map((after) => ({ status: 503, headers: { "Retry-After": after } }));
      expect(await bytesOf(bucket({ retryMs: 5000 }, ...tricks), "k")).toBe("all of it");
      expect(proxy.asked.length).toBe(4);
    });

    it("waits no longer once its signal is given", async () => {
      const failing = bucket();
      proxy.trick = () => ({ status: 503 });
      const controller = new AbortController();
      const reason = new Error("enough");
      const reading = thrownBy(() => failing.get("k", 0, 1, { signal: controller.signal }));
      controller.abort(reason);
      expect(await reading).toBe(reason);
    });

    it("asks for the bytes as they are stored", async () => {
      await bucket().get("k", 0, 1);
      // Some runtimes add what was added.
      expect(proxy.asked[0].headers["accept-encoding"]).toMatch(/^identity(, identity)?$/);
      expect(proxy.asked[0].headers.authorization).not.toContain("accept-encoding");
    });

    it("does not repeat what the service refuses", async () => {
      const refused = bucket({}, { status: 403, code: "AccessDenied" });
      await expectError(() => refused.get("k", 0, 1), "PERMISSION_DENIED", "s3://smalti/k", "AccessDenied");
      expect(proxy.asked.length).toBe(1);
    });

    it("says which region a bucket is in", async () => {
      const headers = { "x-amz-bucket-region": "eu-west-1" };
      const other = bucket({}, { status: 301, code: "PermanentRedirect", headers });
      await expectError(() => other.get("k", 0, 1), "IO", "region eu-west-1", "us-east-1");
    });
  });

  describe(`Bucket.create on ${name}`, () => {
    it("knows its own object where the answer was lost, and another's", async () => {
      const key = `created/${crypto.randomUUID()}`;
      expect(await bucket({}, { dropAfter: 0 }).create(key, text("mine"), "first")).toBe(true);
      expect(await bucket({}, { status: 500 }).create(key, text("another's"), "second")).toBe(false);
      expect(await bucket().create(key, text("another's"), "third")).toBe(false);
      expect(await bytesOf(bucket(), key)).toBe("mine");
    });

    it("and a put under a condition do so wherever the answer was lost", async () => {
      for (const drops of [1, 2]) {
        const key = `created/${crypto.randomUUID()}`;
        const lost = Array.from({ length: drops }, () => ({ dropAfter: 0 }));
        expect(await bucket({}, ...lost).create(key, text("one"), "first")).toBe(true);
        const { etag } = (await bucket().head(key))!;
        const put = await bucket({}, ...lost).put(key, text("two"), { ifMatch: etag, id: "second" });
        expect(put).toBe((await bucket().head(key))!.etag);
        expect(await bucket().put(key, text("three"), { ifMatch: etag, id: "third" })).toBe("changed");
        expect(await bytesOf(bucket(), key)).toBe("two");
      }
    });

    it("takes a conflict that is under way for no answer", async () => {
      const key = `created/${crypto.randomUUID()}`;
      const conflict = { status: 409, code: "ConditionalRequestConflict" };
      expect(await bucket({}, conflict).create(key, text("mine"), "first")).toBe(true);
    });
  });

  describe(`credentials on ${name}`, () => {
    it("are asked for anew once where the service says that they have expired", async () => {
      let asked = 0;
      const credentials = () => ({ ...KEYS, sessionToken: `token ${++asked}` });
      const expired = { status: 400, code: "ExpiredToken" };
      const found = { status: 200, body: text("found") };
      expect(await bytesOf(bucket({ credentials }, expired, found), "k")).toBe("found");
      expect(proxy.asked.map(({ headers }) => headers["x-amz-security-token"])).toEqual([
        "token 1",
        "token 2",
      ]);

      const again = bucket({ credentials }, expired, expired);
      await expectError(() => again.get("k", 0, 1), "UNAUTHENTICATED", "ExpiredToken");
      const fixed = bucket({ credentials: { ...KEYS } }, expired);
      await expectError(() => fixed.get("k", 0, 1), "UNAUTHENTICATED", "ExpiredToken");
      expect(proxy.asked.length).toBe(1);
    });

    it("are asked for anew too where the answer has no body to say why", async () => {
      await server.open().put("k", text("found"));
      let isExpired = true;
      for (const status of [400, 403]) {
        const expiring = bucket({
          credentials: () => {
            isExpired = !isExpired;
            return { ...KEYS };
          },
        });
        await expiring.head("k");
        [proxy.asked.length, isExpired] = [0, true];
        proxy.trick = () => isExpired ? { status, code: "ExpiredToken" } : undefined;
        expect((await expiring.head("k"))?.size).toBe(5);
        expect(proxy.asked.map(({ method }) => method)).toEqual(["HEAD", "GET", "HEAD"]);
      }
    });

    it("that others have renewed since such an answer are tried once more", async () => {
      await server.open().put("k", text("found"));
      const refused = { status: 400, code: "ExpiredToken" };
      expect((await bucket({}, refused).head("k"))?.size).toBe(5);
      expect(proxy.asked.map(({ method }) => method)).toEqual(["HEAD", "GET", "HEAD"]);
      const always = bucket();
      proxy.trick = ({ method }) => method === "HEAD" ? refused : undefined;
      await expectError(() => always.head("k"), "IO", "s3://smalti/k: the service answers 400");
      expect(proxy.asked.map(({ method }) => method)).toEqual(["HEAD", "GET", "HEAD", "GET"]);
    });

    it("are got once for all who ask, and again before they end", async () => {
      let asked = 0;
      let expiration = new Date(Date.now() + 3_600_000);
      const some = bucket({
        credentials: async (): Promise<S3Credentials> => {
          asked++;
          await Promise.resolve();
          return { ...KEYS, expiration };
        },
      });
      expiration = new Date(Date.now() + 3_600_000);
      await Promise.all([1, 2, 3, 4].map(() => some.head("k")));
      expect(asked).toBe(1);
      const ending = bucket({
        credentials: () => ({ ...KEYS, expiration: new Date(Date.now() + (asked++, 30_000)) }),
      });
      await ending.head("k");
      await ending.head("k");
      expect(asked).toBe(3);
    });

    it("that cannot be had are UNAUTHENTICATED with the reason", async () => {
      const failing = bucket({
        credentials: () => {
          throw new Error("the vault is shut");
        },
      });
      await expectError(() => failing.head("k"), "UNAUTHENTICATED", "the vault is shut");
      const wrong = bucket({ credentials: () => ({ accessKeyId: "hidden" }) as S3Credentials });
      const error = await expectError(() => wrong.head("k"), "UNAUTHENTICATED", "secretAccessKey");
      expect(error.message).not.toContain("hidden");
    });

    it("appear in no error", async () => {
      const credentials = { accessKeyId: "testing", secretAccessKey: "hid/den+1", sessionToken: "hid/den+2" };
      const options = { credentials, encryptionKey: new Uint8Array(32).fill(7), retryMs: 50 };
      const errors = [
        await thrownBy(() => bucket(options, { status: 403, code: "AccessDenied" }).get("k", 0, 1)),
        await thrownBy(() => {
          const failing = bucket(options);
          proxy.trick = () => ({ dropAfter: 0 });
          return failing.put("k", text("x"));
        }),
        await thrownBy(() => bucket({ ...options, endpoint: "http://127.0.0.1:1" }).get("k", 0, 1)),
      ];
      for (const error of errors) {
        for (let at = error; at instanceof Error; at = at.cause) {
          const shown = JSON.stringify([String(at), at.stack, { ...at }]);
          expect(shown).not.toMatch(/hid\/den|BwcHBwcH|AWS4-HMAC/);
        }
      }
    });

    it("are left out where there are none", async () => {
      const open = bucket({ credentials: undefined }, { status: 200, body: text("public") });
      expect(await bytesOf(open, "k")).toBe("public");
      expect(proxy.asked[0].headers.authorization).toBeUndefined();
    });
  });

  it(`S3Requests on ${name} take the time of a service whose clock is another`, async () => {
    const theirs = new Date(Date.now() + 3_600_000);
    const isNear = (date = "") => {
      const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)!;
      return Math.abs(Date.UTC(+y, +mo - 1, +d, +h, +mi, +s) - theirs.getTime()) < 900_000;
    };
    const shifted = bucket();
    const skewed: S3Trick = {
      status: 403,
      code: "RequestTimeTooSkewed",
      headers: { Date: theirs.toUTCString() },
    };
    const found: S3Trick = {
      status: 206,
      headers: { "Content-Range": "bytes 0-1/2", ETag: `"e"` },
      body: text("ok"),
    };
    proxy.trick = ({ headers }) => isNear(String(headers["x-amz-date"])) ? found : skewed;
    expect(await bytesOf(shifted, "k")).toBe("ok");
    expect(await bytesOf(shifted, "k")).toBe("ok");
    expect(proxy.asked.length).toBe(3);

    const never = bucket();
    proxy.trick = () => skewed;
    await expectError(() => never.head("k"), "UNAUTHENTICATED", "RequestTimeTooSkewed");
    await expectError(() => never.get("k", 0, 1), "UNAUTHENTICATED", "RequestTimeTooSkewed");
  });

  it(`an encryptionKey goes with all that has bytes of objects, on ${name}`, async () => {
    const encryptionKey = Uint8Array.from({ length: 32 }, (_, i) => i);
    const sealed = bucket({ encryptionKey });
    proxy.trick = () => ({
      status: 200,
      headers: { ETag: `"e"` },
      body: text("<X><UploadId>u</UploadId><ETag>e</ETag></X>"),
    });
    await sealed.put("k", text("x"));
    await sealed.get("k", 0, 1);
    await sealed.head("k");
    const upload = await sealed.uploads.begin("k");
    await sealed.uploads.sendPart("k", upload, 1, text("x"));
    await sealed.uploads.copyPart("k", upload, 2, {
      object: { key: "from", size: 9, etag: undefined },
      offset: 0,
      length: 9,
    });
    const prefix = "x-amz-server-side-encryption-customer";
    for (const { headers } of proxy.asked) {
      expect(headers[`${prefix}-algorithm`]).toBe("AES256");
      expect(headers[`${prefix}-key`]).toBe(btoa(String.fromCharCode(...encryptionKey)));
      expect(headers[`${prefix}-key-md5`]).toBe(createHash("md5").update(encryptionKey).digest("base64"));
    }
    expect(proxy.asked.length).toBe(6);
    expect(proxy.asked[5].headers["x-amz-copy-source-server-side-encryption-customer-algorithm"]).toBe(
      "AES256",
    );

    proxy.asked.length = 0;
    await sealed.delete(["k"]);
    for await (const _ of sealed.list("")) break;
    expect(proxy.asked.map(({ headers }) => headers[`${prefix}-key`])).toEqual([undefined, undefined]);
  });

  it.skipIf(name === "moto")("a signature by another secret is refused, and said so", async () => {
    const wrong = bucket({ credentials: { ...KEYS, secretAccessKey: "another" } });
    await expectError(() => wrong.get("k", 0, 1), "UNAUTHENTICATED", "SignatureDoesNotMatch");
  });
}
