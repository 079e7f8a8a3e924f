const DATE = new RegExp(
  String.raw`^(\d{4})-(\d\d)-(\d\d)` +
    String.raw`(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$`,
);

/** Whether a text has the form of a date or time of ISO 8601: `2023-11-14`, `2023-11-14T22:13:20.5Z`, `... 22:13+01:00`. */
export function isIsoTime(text: string): boolean {
  return DATE.test(text);
}

/**
 * The time that such a text means, in nanoseconds since the epoch; one without a zone is UTC. Undefined where it has another
 * form, or there is no such date or time.
 */
export function parseIsoTime(text: string): bigint | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 &&
    second < 60;
  const [, sign, hours, minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(match[8] ?? "") ?? [];
  const zone = hours === undefined ? 0 : Number(hours) * 60 + Number(minutes);
  if (!real || zone >= 24 * 60 || Number(minutes) >= 60) return undefined;
  const inMinutes = hour * 60 + minute - (sign === "-" ? -zone : zone);
  const seconds = BigInt(date.getTime() / 1000 + inMinutes * 60 + second);
  return seconds * 1_000_000_000n + BigInt((match[7] ?? "").padEnd(9, "0"));
}
