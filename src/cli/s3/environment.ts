/**
 * What the environment says of an object store, as AWS's own tools understand it: region, endpoint, and who asks.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import type { S3CredentialsSource } from "../../store/s3/credentials.ts";
import type { S3Options } from "../../store/s3/s3_options.ts";
import { fromContainer, fromInstance, fromWebIdentity } from "./credential_services.ts";
import { type Profile, profileName, readProfile } from "./profile.ts";
import { type Environment, isYes } from "./variables.ts";

/**
 * Options for `s3:` places. Credentials are those of the variables, a web identity, the profile, the container or the instance:
 * the first of these that there are. Those that end are asked for again.
 *
 * UNAUTHENTICATED, later too, where there are none; INVALID_ARGUMENT, UNSUPPORTED where what is set up cannot be used.
 */
export async function s3FromEnvironment(env: Environment): Promise<S3Options> {
  const profile = await readProfile(env);
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.region;
  const endpoint = endpointOf(env, profile);
  const credentials = isYes(env.AWS_NO_SIGN_REQUEST) ? undefined : credentialsOf(env, profile, region);
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
  };
}

function endpointOf(env: Environment, profile: Profile): string | undefined {
  if (isYes(env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)) return undefined;
  return env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || profile.endpoint_url;
}

function credentialsOf(env: Environment, profile: Profile, region: string | undefined): S3CredentialsSource {
  const given = keysOf(
    env.AWS_ACCESS_KEY_ID,
    env.AWS_SECRET_ACCESS_KEY,
    env.AWS_SESSION_TOKEN,
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  );
  if (given) return given;
  // Who names a profile means it: what the machine itself may do comes after it.
  const ofProfile = () => profileCredentials(env, profile, region);
  if (env.AWS_PROFILE) {
    const found = ofProfile();
    if (found) return found;
  }
  const { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: role, AWS_ROLE_SESSION_NAME: session } = env;
  if (tokenFile && role) return () => fromWebIdentity({ tokenFile, role, session }, env, region);
  return ofProfile() ?? fromContainer(env) ?? (() => fromInstance(env));
}

function profileCredentials(
  env: Environment,
  profile: Profile,
  region: string | undefined,
): S3CredentialsSource | undefined {
  const shown = `profile "${profileName(env)}"`;
  const { aws_access_key_id: id, aws_secret_access_key: secret, aws_session_token: token } = profile;
  const given = keysOf(id, secret, token, `aws_access_key_id and aws_secret_access_key of ${shown}`);
  if (given) return given;
  const { web_identity_token_file: tokenFile, role_arn: role, role_session_name: session } = profile;
  if (tokenFile && role) return () => fromWebIdentity({ tokenFile, role, session }, env, region);
  const other = ["role_arn", "sso_session", "sso_start_url", "credential_process", "login_session"]
    .find((name) => profile[name]);
  if (other === undefined) return undefined;
  throw new SmaltiError(
    "UNSUPPORTED",
    `Cannot take credentials from ${shown} by its ${other}: wanted keys or a web identity; ` +
      '`eval "$(aws configure export-credentials --format env)"` sets the variables to what it comes to',
  );
}

/** Keys, where both are there; INVALID_ARGUMENT where one is. */
function keysOf(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
  names: string,
): S3CredentialsSource | undefined {
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
  }
  if (!accessKeyId && !secretAccessKey) return undefined;
  throw new SmaltiError("INVALID_ARGUMENT", `Cannot use one of ${names} without the other: wanted both`);
}
