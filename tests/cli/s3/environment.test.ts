import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { s3FromEnvironment } from "../../../src/cli/s3/environment.ts";
import type { S3Credentials } from "../../../src/store/s3/credentials.ts";
import type { S3Options } from "../../../src/store/s3/s3_options.ts";
import { expectError } from "../../support/errors.ts";
import { inDirectory } from "../../support/places.ts";

/** What is asked of a service that gives credentials. */
interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Runs `body` with a service whose answers are texts, or statuses, by path. */
async function withService(
  answers: Record<string, string | number>,
  body: (url: string, asked: Asked[]) => Promise<void>,
): Promise<void> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { method = "", url = "", headers } = request;
    asked.push({ method, url, headers, body: text });
    const answer = answers[url] ?? 404;
    if (typeof answer === "number") response.writeHead(answer);
    response.end(typeof answer === "number" ? "<Error><Code>Refused</Code>secret-text</Error>" : answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Runs `body` with a home directory that has these files below `.aws`. */
async function withHome(files: Record<string, string>, body: (HOME: string) => Promise<void>): Promise<void> {
  await inDirectory(async (home) => {
    await mkdir(join(home, ".aws"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(home, ".aws", name), text);
    await body(home);
  });
}

async function credentialsOf({ credentials }: S3Options): Promise<S3Credentials | undefined> {
  return typeof credentials === "function" ? await credentials() : credentials;
}

const KEYS = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
const JSON_KEYS = JSON.stringify({
  Code: "Success",
  AccessKeyId: "id",
  SecretAccessKey: "secret",
  Token: "token",
  Expiration: "2030-01-02T03:04:05Z",
});
const TEMPORARY = {
  accessKeyId: "id",
  secretAccessKey: "secret",
  sessionToken: "token",
  expiration: new Date("2030-01-02T03:04:05Z"),
};

describe("s3FromEnvironment", () => {
  it("takes keys, region and endpoint from variables, the more special first", async () => {
    await withHome({ config: "[default]\nregion = from-file\n" }, async (HOME) => {
      const variables = { HOME, ...KEYS, AWS_SESSION_TOKEN: "token" };
      expect(
        await s3FromEnvironment({
          ...variables,
          AWS_REGION: "eu-1",
          AWS_DEFAULT_REGION: "eu-2",
          AWS_ENDPOINT_URL: "http://all",
          AWS_ENDPOINT_URL_S3: "http://s3",
        }),
      ).toEqual({
        region: "eu-1",
        endpoint: "http://s3",
        credentials: { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" },
      });
      const { region, endpoint } = await s3FromEnvironment({ ...variables, AWS_ENDPOINT_URL: "http://all" });
      expect([region, endpoint]).toEqual(["from-file", "http://all"]);
    });
  });

  it("takes a profile of both files, without nested groups and comments", async () => {
    const config = "[default]\nregion=a\n[profile  field]\nregion = b # near\ns3 =\n  region = c\n" +
      "endpoint_url = http://e\n[profile other]\nregion = d\n";
    const credentials = "# keys\n[default]\naws_access_key_id = id0\naws_secret_access_key = s0\n\n" +
      "[field]\nAWS_ACCESS_KEY_ID=id1\naws_secret_access_key = s1+/=\n";
    await withHome({ config, credentials }, async (HOME) => {
      expect(await s3FromEnvironment({ HOME, AWS_PROFILE: "field" })).toEqual({
        region: "b",
        endpoint: "http://e",
        credentials: { accessKeyId: "id1", secretAccessKey: "s1+/=" },
      });
      expect(await s3FromEnvironment({ HOME })).toEqual({
        region: "a",
        credentials: { accessKeyId: "id0", secretAccessKey: "s0" },
      });
      await expectError(() => s3FromEnvironment({ HOME, AWS_PROFILE: "none" }), "NOT_FOUND", `"none"`, HOME);
    });
  });

  it("refuses what it cannot use, and shows no secret", async () => {
    await withHome({ config: "[default]\nsso_session = corp\n" }, async (HOME) => {
      const halves: Record<string, string>[] = [{ AWS_ACCESS_KEY_ID: "id" }, {
        AWS_SECRET_ACCESS_KEY: "hidden",
      }];
      for (const half of halves) {
        const error = await expectError(
          () => s3FromEnvironment({ HOME, ...half }),
          "INVALID_ARGUMENT",
          "both",
        );
        expect(error.message).not.toContain("hidden");
      }
      await expectError(
        () => s3FromEnvironment({ HOME }),
        "UNSUPPORTED",
        "sso_session",
        "export-credentials",
      );
    });
  });

  it("signs nothing where that is said", async () => {
    await withHome({}, async (HOME) => {
      expect(await s3FromEnvironment({ HOME, ...KEYS, AWS_NO_SIGN_REQUEST: "yes" })).toEqual({});
    });
  });

  it("asks STS with the token of a web identity, as its file has it then", async () => {
    const answer = "<R><Credentials><SessionToken>token</SessionToken><AccessKeyId>id</AccessKeyId>" +
      "<SecretAccessKey>secret</SecretAccessKey><Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></R>";
    await withHome({ jwt: "first\n" }, async (HOME) => {
      await withService({ "/": answer }, async (url, asked) => {
        const file = join(HOME, ".aws", "jwt");
        const options = await s3FromEnvironment({
          HOME,
          AWS_WEB_IDENTITY_TOKEN_FILE: file,
          AWS_ROLE_ARN: "arn:aws:iam::1:role/r",
          AWS_ENDPOINT_URL_STS: url,
        });
        expect(await credentialsOf(options)).toEqual(TEMPORARY);
        await writeFile(file, "second");
        await credentialsOf(options);
        const bodies = asked.map(({ body }) => new URLSearchParams(body));
        expect(bodies.map((body) => body.get("WebIdentityToken"))).toEqual(["first", "second"]);
        expect(bodies[0].get("RoleArn")).toBe("arn:aws:iam::1:role/r");
        expect(asked[0]).toMatchObject({ method: "POST", url: "/" });
      });
    });
  });

  it("asks the service of a container, which must be of this machine or https:", async () => {
    await withHome({}, async (HOME) => {
      await withService({ "/keys": JSON_KEYS }, async (url, asked) => {
        const env = { HOME, AWS_CONTAINER_AUTHORIZATION_TOKEN: "allowed" };
        const AWS_CONTAINER_CREDENTIALS_FULL_URI = `${url}/keys`;
        const options = await s3FromEnvironment({ ...env, AWS_CONTAINER_CREDENTIALS_FULL_URI });
        expect(await credentialsOf(options)).toEqual(TEMPORARY);
        expect(asked[0].headers.authorization).toBe("allowed");
      });
      for (const url of ["http://example.org/keys", "http://127.0.0.1.example.org/", "ftp://127.0.0.1/"]) {
        const asked = () => s3FromEnvironment({ HOME, AWS_CONTAINER_CREDENTIALS_FULL_URI: url });
        await expectError(asked, "INVALID_ARGUMENT", "AWS_CONTAINER_CREDENTIALS_FULL_URI");
      }
    });
  });

  it("asks an instance for a token first, and then for its role's credentials", async () => {
    await withHome({}, async (HOME) => {
      const below = "/latest/meta-data/iam/security-credentials/";
      const answers = { "/latest/api/token": "session", [below]: "role\n", [`${below}role`]: JSON_KEYS };
      await withService(answers, async (url, asked) => {
        const options = await s3FromEnvironment({ HOME, AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
        expect(await credentialsOf(options)).toEqual(TEMPORARY);
        expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
          "PUT /latest/api/token",
          `GET ${below}`,
          `GET ${below}role`,
        ]);
        expect(asked.slice(1).map(({ headers }) => headers["x-aws-ec2-metadata-token"])).toEqual([
          "session",
          "session",
        ]);
      });
    });
  });

  it("is UNAUTHENTICATED where there is nobody to ask, or a service refuses, without what it said", async () => {
    await withHome({}, async (HOME) => {
      const none = await s3FromEnvironment({ HOME, AWS_EC2_METADATA_DISABLED: "true" });
      await expectError(() => credentialsOf(none), "UNAUTHENTICATED", "AWS_ACCESS_KEY_ID");
      await withService({ "/refuses": 403, "/empty": "{}" }, async (url) => {
        for (const [path, text] of [["refuses", "403 Refused"], ["empty", "has none"]]) {
          const options = await s3FromEnvironment({
            HOME,
            AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/${path}`,
            AWS_CONTAINER_AUTHORIZATION_TOKEN: "hidden",
          });
          const error = await expectError(() => credentialsOf(options), "UNAUTHENTICATED", text, url);
          expect(error.message).not.toMatch(/hidden|secret-text/);
        }
      });
    });
  });
});
