// How a value of an event is written for people: words for codes, a name beside a number.
import { type ComponentChildren } from "preact";
import { type Condition, type Value } from "./filter";
import { country } from "./format";
import { fieldName, text } from "./text";

/** The colours of series that mean something; the rest take turns. */
export const COLOURS: Record<string, string> = {
  automated: "automated",
  likely_automated: "likely-automated",
  likely_human: "likely-human",
  verified_bot: "verified",
  other: "other",
  block: "automated",
  jschallenge: "likely-automated",
  managedChallenge: "amber",
  challenge: "purple",
  jschallengeSolved: "verified",
  managedChallengeNonInteractiveSolved: "verified",
  managedChallengeInteractiveSolved: "verified",
  challengeSolved: "verified",
  skip: "sky",
  allow: "sky",
  log: "likely-human",
};

/** The group of a score alone, verified bots apart. */
export function groupOf(score: number): string {
  return score <= 0 ? "other" : score === 1 ? "automated" : score < 30 ? "likely_automated" : "likely_human";
}

const named: Record<string, (value: string) => string | undefined> = {
  score_group: (value) => text.groups[value],
  action: (value) => text.actions[value],
  would: (value) => text.actions[value],
  match_action: (value) => text.actions[value],
  match_source: (value) => text.services[value],
  client_country: (value) => {
    const name = country(value);
    return value === "" ? text.values.unknown : name && `${value}  ${name}`;
  },
  client_asn: (value) => (value === "0" ? text.values.unknown : `AS${value}`),
  status_class: (value) => `${value}xx`,
};

/** A value as text. */
export function shown(field: string, value: unknown): string {
  if (typeof value === "boolean") return value ? text.values.yes : text.values.no;
  if (Array.isArray(value)) return value.length ? value.map((one) => shown(field, one)).join(", ") : text.values.empty;
  const plain = String(value ?? "");
  return named[field]?.(plain) || plain || text.values.empty;
}

/** A condition in words. */
export function worded([field, operator, value]: Condition): string {
  return `${fieldName(field)} ${text.operators[operator] ?? operator} ${shown(field, value as Value)}`;
}

/** A score as a badge in the colour of its group. */
export function Score({ value, group }: { value: number; group?: string }): ComponentChildren {
  return <span class={`score ${COLOURS[group ?? groupOf(value)] ?? "other"}`}>{value || text.none}</span>;
}
