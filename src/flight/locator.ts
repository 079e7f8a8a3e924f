import { SmaltiError } from "../error.ts";
import { quoted } from "../util/excerpt.ts";
import { sequenceName, topicName } from "../names.ts";
import type { NotificationPlace } from "../types.ts";

/** `sequence` or `sequence/path/of/topic`. INVALID_NAME. */
export function parseLocator(locator: string): NotificationPlace {
  const slash = locator.indexOf("/");
  if (slash < 0) return { sequence: sequenceName(locator) };
  return parseTopicLocator(locator);
}

/** `sequence/path/of/topic`. INVALID_NAME. */
export function parseTopicLocator(locator: string): Required<NotificationPlace> {
  const slash = locator.indexOf("/");
  if (slash < 0) {
    throw new SmaltiError("INVALID_NAME", `Locator ${quoted(locator)}: wanted a sequence, "/" and a topic`);
  }
  const sequence = sequenceName(locator.slice(0, slash));
  return { sequence, topic: topicName(locator.slice(slash + 1), sequence) };
}

/** `sequence:session`. INVALID_NAME. */
export function parseSessionLocator(locator: string): { sequence: string; id: string } {
  const colon = locator.indexOf(":");
  if (colon < 0) {
    throw new SmaltiError("INVALID_NAME", `Locator ${quoted(locator)}: wanted a sequence, ":" and a session`);
  }
  return { sequence: sequenceName(locator.slice(0, colon)), id: sessionIdOf(locator) };
}

/** The part of a session's locator that tells it from the sequence's others. */
export function sessionIdOf(locator: string): string {
  return locator.slice(locator.indexOf(":") + 1);
}

/** The locator of a session. */
export function sessionLocatorOf(sequence: string, id: string): string {
  return `${sequence}:${id}`;
}

/** The locator of a place. */
export function locatorOf(sequence: string, topic?: string): string {
  return topic === undefined ? sequence : `${sequence}/${topic}`;
}
