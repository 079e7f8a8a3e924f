import { describe, expect, it } from "vitest";
import { connect } from "../../../mod.ts";
import { type S3Options, s3Place } from "../../../src/store/s3/s3_options.ts";
import { expectError, thrownBy } from "../../support/errors.ts";

const KEYS = { accessKeyId: "id", secretAccessKey: "hidden" };

describe("s3Place", () => {
  const places: [string, S3Options, Partial<ReturnType<typeof s3Place>>][] = [
    ["s3://rec", {}, { url: "s3://rec/", prefix: "", base: "https://rec.s3.us-east-1.amazonaws.com/" }],
    ["S3://rec/a//b", {}, { url: "s3://rec/a/b/", prefix: "a/b/" }],
    ["s3://rec/a b+ü/", { region: "eu-west-1" }, {
      prefix: "a b+ü/",
      base: "https://rec.s3.eu-west-1.amazonaws.com/",
    }],
    ["s3://rec", { region: "cn-north-1" }, { base: "https://rec.s3.cn-north-1.amazonaws.com.cn/" }],
    ["s3://rec", { pathStyle: true }, { base: "https://s3.us-east-1.amazonaws.com/rec/" }],
    ["s3://rec", { endpoint: "http://localhost:9000" }, { base: "http://localhost:9000/rec/" }],
    ["s3://rec", { endpoint: "https://host/s3/", pathStyle: false }, { base: "https://rec.host/s3/" }],
  ];
  it.each(places)("reads %s with %j", (url, options, wanted) => {
    expect(s3Place(url, options)).toMatchObject(wanted);
  });

  it("refuses what is no place in a bucket", async () => {
    const urls = [
      "s3:",
      "s3:rec",
      "s3://",
      "s3://a",
      "s3://Rec/a",
      "s3://rec/a?x=1",
      "s3://rec/a#b",
      "s3://rec/../x",
    ];
    for (const url of urls) await expectError(() => s3Place(url), "INVALID_ARGUMENT", url);
    const error = await expectError(
      () => s3Place("s3://id:hidden@rec/a"),
      "INVALID_ARGUMENT",
      "s3://bucket/prefix",
    );
    expect(error.message).not.toContain("hidden");
  });

  it("refuses options that mean nothing, and shows no secret", async () => {
    const endpoints = ["host", "ftp://host", "http://user:hidden@host", "http://host?key=hidden"];
    const errors = [
      ...await Promise.all(
        endpoints.map((endpoint) =>
          expectError(() => s3Place("s3://rec", { endpoint }), "INVALID_ARGUMENT", "endpoint")
        ),
      ),
      await expectError(
        () => s3Place("s3://rec", { encryptionKey: new Uint8Array(16) }),
        "INVALID_ARGUMENT",
        "16 bytes",
        "wanted 32",
      ),
      await expectError(
        () => s3Place("s3://rec", { credentials: { ...KEYS, accessKeyId: "" } }),
        "UNAUTHENTICATED",
        "accessKeyId",
      ),
    ];
    for (const error of errors) expect(error.message).not.toContain("hidden");
    const text = "k".repeat(32) as unknown as Uint8Array;
    await expectError(
      () => s3Place("s3://rec", { encryptionKey: text }),
      "INVALID_ARGUMENT",
      "no Uint8Array",
    );
    expect(await thrownBy(() => s3Place("s3://rec", { retryMs: NaN }))).toBeInstanceOf(RangeError);
    const misspelled = { credential: KEYS } as S3Options;
    const reason = await thrownBy(() => s3Place("s3://rec", misspelled));
    expect(reason).toBeInstanceOf(TypeError);
    expect(String(reason)).toMatch(/credential"; did you mean|credentials/);
    expect(String(reason)).not.toContain("hidden");
  });

  it("is what connect goes by, which reads nothing yet", async () => {
    const s3 = { endpoint: "http://127.0.0.1:1", credentials: KEYS, retryMs: 0 };
    const client = await connect("s3://rec/a", { s3 });
    await expectError(() => client.listSequences(), "UNAVAILABLE", "s3://rec/a/");
    await client.close();
    await expectError(() => connect("s3://Rec"), "INVALID_ARGUMENT", "s3://Rec");
  });
});
