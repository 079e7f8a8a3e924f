/// <reference lib="dom" />
/**
 * What all checks of the viewer have.
 *
 * @module
 */
import type { Browser, Page } from "./page.ts";
import type { Site } from "./site.ts";

/** What a check has. */
export interface Checked {
  readonly site: Site;
  readonly browser: Browser;
  /** Where the recordings are. */
  readonly recordings: string;
  /** Where pictures go. */
  readonly pictures: string;
}

/** The page that shows a recording. */
export function viewerUrl({ url }: Site, name: string, more = ""): string {
  return `${url}viewer/?url=/recordings/${name}${more}`;
}

/** Waits until panels can be moved. */
export async function docked(page: Page): Promise<void> {
  await page.locator(".dockview-theme-smalti .panel").first().waitFor();
}

/** Names of the panels that are seen. */
export async function titles(page: Page): Promise<string[]> {
  const names = await page.locator("section.panel").evaluateAll((panels) =>
    panels.map((panel) => panel.getAttribute("aria-label") ?? "")
  );
  return names.sort();
}
