// What the configuration's API answers.
import { type Step } from "./staged";

export interface Setting {
  path: string;
  kind: "boolean" | "integer" | "number" | "choice" | "text" | "list";
  value: unknown;
  file: unknown;
  changed: boolean;
  help: string;
  choices?: string[];
  nothing?: boolean;
}

export interface Rule {
  ref: string;
  expression: string;
  action: string;
  description?: string;
  enabled: boolean;
  shadow: boolean;
  from?: string;
  until?: number;
}

interface Placed {
  ref: string;
  description?: string;
  enabled: boolean;
  shadow: boolean;
  from: string;
}

export interface Limit extends Placed {
  expression: string;
  action: string;
  ratelimit: {
    characteristics: string[];
    period: number;
    requests_per_period?: number;
    score_per_period?: number;
    mitigation_timeout?: number;
  };
}

/** A rule of IP access, or of user agents. */
export interface Access extends Placed {
  mode: string;
  configuration: { target: string; value: string };
}

export type Other = Limit | Access;
export type OtherKind = "rate_limits" | "access_rules" | "user_agent_rules";

export interface Zone extends Partial<Record<OtherKind | `${OtherKind}_left_out`, Other[]>> {
  name: string;
  hosts: string[];
  settings: Setting[];
  rules: Rule[];
  left_out: Rule[];
  preset_rules: Rule[];
}

export interface List {
  name: string;
  kind: string;
  description: string;
  file: string | null;
  items: unknown[] | null;
  number: number | null;
  from: string;
}

export interface Config {
  version: number;
  file: string | null;
  settings: Setting[];
  zones: Zone[];
  lists?: List[];
  role: string;
  pending: boolean;
}

export interface Said {
  text: string;
}

export interface Preview {
  version: number;
  what: string;
  diff: string;
  problems: Said[];
  warnings: (Said | string)[];
}

export interface Version {
  version: number;
  at: number | string;
  who: string;
  what: string;
  restored: number | null;
}

export const said = (each: Said | string): string => (typeof each === "string" ? each : each.text);

/** A value as a step has it, in words. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length ? value.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(", ") : "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export type { Step };
