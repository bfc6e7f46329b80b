// What is looked at, and the address that says so: the filter, the range and the site outlive a reload and can be shared.
import { useEffect, useState } from "preact/hooks";
import { type Condition, readFilter } from "./filter";

export const PAGES = ["analytics", "security", "rules", "configuration", "reports"] as const;
export type Page = (typeof PAGES)[number];

export interface View {
  page: Page;
  zone: string; // "" is every site
  since: number; // seconds since 1970; below 0: so long before now
  until: number; // 0 is now
  ranged: boolean; // whether the address says of which time
  filter: Condition[];
  live: boolean;
  ray: string; // of the request in the drawer
  tab: string;
}

export const DAY = 86_400;
const USUAL = [1_800, 3_600, 6 * 3_600];
const PATHS: Record<Page, string> = {
  analytics: "/",
  security: "/security",
  rules: "/rules",
  configuration: "/configuration",
  reports: "/reports",
};

const listeners = new Set<() => void>();
let usual = 0; // the range of an address that names none; 0 until it is known how old the events are
let view = read();

function read(): View {
  const given = new URLSearchParams(location.search);
  const since = Number(given.get("since") || usual || -DAY);
  const until = Number(given.get("until") || 0);
  return {
    page: PAGES.find((page) => PATHS[page] === location.pathname) ?? "analytics",
    zone: given.get("zone") ?? "",
    since: Number.isFinite(since) ? since : -DAY,
    until: Number.isFinite(until) ? until : 0,
    ranged: given.has("since") || given.has("until"),
    filter: readFilter(given.get("filter") ?? "[]"),
    live: given.get("live") === "1",
    ray: given.get("ray") ?? "",
    tab: given.get("tab") ?? "",
  };
}

/** The address of the view with these changes. */
export function address(changes: Partial<View>): string {
  const next = { ...view, ...changes };
  const given = new URLSearchParams();
  if (next.zone) given.set("zone", next.zone);
  const ranged = changes.ranged ?? (view.ranged || changes.since !== undefined);
  if (ranged) given.set("since", String(next.since));
  if (ranged && next.until) given.set("until", String(next.until));
  if (next.filter.length) given.set("filter", JSON.stringify(next.filter));
  if (next.live) given.set("live", "1");
  if (next.tab) given.set("tab", next.tab);
  if (next.ray) given.set("ray", next.ray);
  const text = given.toString();
  return PATHS[next.page] + (text ? `?${text}` : "");
}

/** Look at something else; a step that the back button takes back, unless `quietly`. */
export function go(changes: Partial<View>, quietly = false): void {
  const to = address(changes);
  if (quietly) history.replaceState(null, "", to);
  else if (to !== location.pathname + location.search) history.pushState(null, "", to);
  arrive();
}

function arrive(): void {
  view = read();
  for (const tell of listeners) tell();
}

addEventListener("popstate", arrive);

/** Choose the range of addresses that name none, by the age of the oldest event: a day, or less where that is mostly empty. */
export function chooseUsual(age: number): void {
  if (usual) return;
  usual = -(USUAL.find((length) => age <= length) ?? DAY);
  arrive();
}

/** Whether it is known of which time the view is. */
export const isRanged = (seen: View): boolean => seen.ranged || usual !== 0;

/** The view now. */
export function current(): View {
  return view;
}

/** The view, in a component that follows it. */
export function useView(): View {
  const [seen, see] = useState(view);
  useEffect(() => {
    const tell = (): void => see(view);
    listeners.add(tell);
    tell();
    return () => void listeners.delete(tell);
  }, []);
  return seen;
}

/** Seconds that the view spans. */
export function spanned(seen: View): number {
  const until = seen.until || Date.now() / 1000;
  return seen.since < 0 ? -seen.since : until - seen.since;
}

/** The parameters of a question about the view. */
export function asked(seen: View, filter: Condition[] = seen.filter): Record<string, string> {
  const given: Record<string, string> = { since: String(seen.since) };
  if (seen.until) given.until = String(seen.until);
  if (seen.zone) given.zone = seen.zone;
  if (filter.length) given.filter = JSON.stringify(filter);
  return given;
}
