/** What an error says, and what led to it: runtimes tell of a failed request in the causes. */
export function causesText(reason: unknown): string {
  const texts: string[] = [];
  for (let at = reason; at instanceof Error; at = at.cause) texts.push(at.message);
  return texts.join(": ");
}
