// Light or dark: as the system has it, until somebody says otherwise.
const KEEP = "botproxy-theme";
export type Theme = "system" | "light" | "dark";
const told = new Set<() => void>();

export function theme(): Theme {
  const kept = localStorage.getItem(KEEP);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function setTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem(KEEP);
  else localStorage.setItem(KEEP, next);
  show();
}

/** Have the page look so. */
export function show(): void {
  const chosen = theme();
  const dark = chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  for (const tell of told) tell();
}

/** Be told when colours change, to draw anew what is drawn with them. */
export function onTheme(tell: () => void): () => void {
  told.add(tell);
  return () => void told.delete(tell);
}

/** A colour of the style sheet. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
