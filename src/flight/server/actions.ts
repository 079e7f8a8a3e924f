/**
 * DoAction: the actions by name.
 *
 * @module
 */
import type { Backend } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import { quoted } from "../../util/excerpt.ts";
import type { SerializationFormat } from "../../ontology/define_ontology.ts";
import { VERSION } from "../../version.ts";
import { jsonText } from "../../util/json_text.ts";
import { encodeJson, type WireObject } from "../json.ts";
import type { Notification, NotificationPlace } from "../../types.ts";
import { locatorOf, parseLocator, parseTopicLocator } from "../locator.ts";
import { MAX_ENCODE_BYTES, type ServerInfo, TARGET_ENCODE_BYTES } from "../protocol.ts";
import { newSequenceName, sequenceName } from "../../names.ts";
import type { Permission } from "./api_keys.ts";
import { metadataMember, readBody, refusal, textMember } from "./body.ts";
import { clusterizeTopic, intersectTopics, query } from "./queries.ts";
import type { Sessions } from "./sessions.ts";

/** What actions work on. */
export interface ActionContext {
  readonly backend: Backend;
  readonly sessions: Sessions;
  readonly maxMessageBytes: number;
  /** Hears of what callers are not told: defects, failures of the disk, damaged files. */
  readonly onError: (reason: unknown) => void;
}

interface Action {
  /** What it takes; `info` takes a valid key alone. */
  readonly permission: Permission | undefined;
  /** Does it; what it gives is the response. */
  readonly run: (context: ActionContext, body: WireObject, signal: AbortSignal) => Promise<unknown>;
  /** Whether what it gives is a list, each item of which is a response of its own. */
  readonly isList?: boolean;
}

/** Of a notification. */
const MAX_CHARACTERS = 65_536;
const FORMATS: readonly SerializationFormat[] = ["default", "ragged", "image"];

const ACTIONS: ReadonlyMap<string, Action> = new Map(Object.entries<Action>({
  info: { permission: undefined, run: (context) => Promise.resolve(info(context)) },
  sequence_create: {
    permission: "write",
    run: async ({ sessions }, body) => {
      const name = newSequenceName(textMember(body, "locator"));
      await sessions.createSequence(name, metadataMember(body, "user_metadata"));
    },
  },
  sequence_delete: {
    permission: "delete",
    run: async ({ sessions }, body) => {
      await sessions.deleteSequence(sequenceName(textMember(body, "locator")));
    },
  },
  session_create: {
    permission: "write",
    run: async ({ sessions }, body) => {
      const { uuid, locator } = await sessions.createSession(sequenceName(textMember(body, "locator")));
      return { uuid, locator };
    },
  },
  session_finalize: {
    permission: "write",
    run: async ({ sessions }, body) => await sessions.finalize(textMember(body, "session_uuid")),
  },
  session_delete: {
    permission: "delete",
    run: async ({ sessions }, body) => await sessions.deleteSession(textMember(body, "locator")),
  },
  topic_create: {
    permission: "write",
    run: async ({ sessions }, body) => {
      const format = textMember(body, "serialization_format") as SerializationFormat;
      if (!FORMATS.includes(format)) {
        throw refusal("serialization_format", format, `one of ${FORMATS.join(", ")}`);
      }
      const ontologyTag = textMember(body, "ontology_tag");
      if (ontologyTag === "") throw refusal("ontology_tag", "", "a name");
      const { uuid } = await sessions.createTopic({
        sessionUuid: textMember(body, "session_uuid"),
        locator: textMember(body, "locator"),
        schema: { ontologyTag, serializationFormat: format, metadata: metadataMember(body, "user_metadata") },
      });
      return { uuid };
    },
  },
  topic_delete: {
    permission: "delete",
    run: async ({ sessions }, body) => await sessions.deleteTopic(textMember(body, "locator")),
  },
  ...notificationActions("sequence"),
  ...notificationActions("topic"),
  query: {
    permission: "read",
    run: ({ backend, onError }, body, signal) => query(backend, body, signal, onError),
  },
  topic_filter_clusterize: {
    permission: "read",
    run: ({ backend }, body, signal) => clusterizeTopic(backend, body, signal),
    isList: true,
  },
  topic_filter_intersect: {
    permission: "read",
    run: ({ backend }, body, signal) => intersectTopics(backend, body, signal),
    isList: true,
  },
}));

/** What an action takes; nothing but a valid key where there is none of this name, which {@linkcode runAction} refuses. */
export function actionPermission(name: string): Permission | undefined {
  return ACTIONS.get(name)?.permission;
}

/** Runs an action; the bodies of its results. INVALID_ARGUMENT where there is none of this name. */
export async function* runAction(
  context: ActionContext,
  name: string,
  body: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const action = ACTIONS.get(name);
  if (!action) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Unknown action ${quoted(name)}: wanted one of ${[...ACTIONS.keys()].join(", ")}`,
    );
  }
  const request = body.length === 0 ? {} : readBody(body, `Body of action ${name}`);
  const response = await action.run(context, request, signal);
  if (!action.isList) return yield encodeJson({ action: name, response: response ?? null });
  for (const item of response as readonly unknown[]) {
    // A line each, as the daemon sends them.
    yield new TextEncoder().encode(`${jsonText({ action: name, response: item })}\n`);
  }
}

function info({ maxMessageBytes }: ActionContext): ServerInfo {
  const [major, minor, patch] = VERSION.split(/[.-]/).map(Number);
  return {
    version: VERSION,
    semver: { major, minor, patch, pre: VERSION.split("-")[1] ?? "" },
    config: {
      grpc_max_decode_message_size: maxMessageBytes,
      grpc_max_encode_message_size: MAX_ENCODE_BYTES,
      grpc_target_encode_message_size: TARGET_ENCODE_BYTES,
    },
  };
}

function notificationActions(of: "sequence" | "topic"): Record<string, Action> {
  const placeIn = async (
    { backend, sessions }: ActionContext,
    body: WireObject,
  ): Promise<NotificationPlace> => {
    const locator = textMember(body, "locator");
    if (of === "sequence") return parseLocator(sequenceName(locator));
    const { sequence, topic } = parseTopicLocator(locator);
    const { topics } = await backend.readInfo(sequence);
    const known = sessions.topic(sequence, topic) || topics.some(({ name }) => name === topic);
    if (known) return { sequence, topic };
    throw new SmaltiError("NOT_FOUND", `No topic "${topic}" in sequence "${sequence}"`, { sequence, topic });
  };
  return {
    [`${of}_notification_create`]: {
      permission: "write",
      run: async (context, body) => {
        const place = await placeIn(context, body);
        const message = textMember(body, "msg");
        const type = textMember(body, "notification_type");
        if (type !== "error") throw refusal("notification_type", type, '"error"');
        if (message.length > MAX_CHARACTERS) {
          throw new SmaltiError(
            "INVALID_ARGUMENT",
            `msg has ${message.length} characters: wanted at most ${MAX_CHARACTERS}`,
          );
        }
        await context.backend.notify(place, message);
        // How a client that failed says so before it finalizes what it has: policy Report. It does not say in which session.
        if (of === "sequence") context.sessions.fail(place.sequence, message);
      },
    },
    [`${of}_notification_list`]: {
      permission: "read",
      run: async (context, body) => {
        const all = await context.backend.listNotifications(await placeIn(context, body));
        return { notifications: all.map(wireNotification) };
      },
    },
    [`${of}_notification_purge`]: {
      permission: "delete",
      run: async (context, body) => {
        await context.backend.clearNotifications(await placeIn(context, body));
      },
    },
  };
}

function wireNotification({ sequence, topic, type, message, created }: Notification): WireObject {
  return {
    name: locatorOf(sequence, topic),
    notification_type: type,
    msg: message,
    // The form of the daemon, down to the "UTC".
    created_datetime: created.toISOString().replace("T", " ").replace("Z", " UTC"),
  };
}
