/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a variable says yes. */
export function isYes(text: string | undefined): boolean {
  return /^(1|true|yes)$/i.test(text ?? "");
}
