// From a filter to an expression in the rules language.
import { type Condition, scores, type Value } from "./filter";

const TEXTS: Record<string, string> = {
  path: "http.request.uri.path",
  host: "http.host",
  user_agent: "http.user_agent",
  method: "http.request.method",
  client_country: "ip.src.country",
  ja4: "cf.bot_management.ja4",
  ja3: "cf.bot_management.ja3_hash",
  verified_bot_category: "cf.verified_bot_category",
  query: "http.request.uri.query",
  protocol: "http.request.version",
  zone: "cf.zone.name",
  cloud: "botproxy.cloud",
  referer: "http.referer",
};
const NUMBERS: Record<string, string> = { client_asn: "ip.src.asnum", score: "cf.bot_management.score" };
const SIGNS: Record<string, string> = { eq: "eq", neq: "ne", geq: "ge", leq: "le", gt: "gt", lt: "lt" };
const GROUPS: Record<string, string> = {
  automated: "cf.bot_management.score eq 1 and not cf.bot_management.verified_bot",
  likely_automated: "cf.bot_management.score ge 2 and cf.bot_management.score le 29 and not cf.bot_management.verified_bot",
  likely_human: "cf.bot_management.score ge 30 and not cf.bot_management.verified_bot",
  verified_bot: "cf.bot_management.verified_bot",
};

export interface Written {
  text: string; // "" when nothing of the filter can be said
  left: Condition[]; // what no rule can ask for
}

export interface Spared {
  verified: boolean;
  statics: boolean;
}

/** The expression of a filter, sparing whom it says. */
export function written(filter: Condition[], spared: Spared): Written {
  const parts: string[] = [];
  const left: Condition[] = [];
  const [low, high] = scores(filter);
  if (low !== 1 || high !== 99) parts.push(ranged(low, high));
  for (const each of filter) {
    if (each[0] === "score" && ["geq", "leq", "eq"].includes(each[1])) continue;
    const part = condition(each);
    if (part) parts.push(part);
    else left.push(each);
  }
  if (!parts.length) return { text: "", left };
  const all = parts.join("\n  and ");
  if (spared.verified && !all.includes("cf.bot_management.verified_bot") && !all.includes("cf.verified_bot_category"))
    parts.push("not cf.bot_management.verified_bot");
  if (spared.statics && !all.includes("static_resource")) parts.push("not cf.bot_management.static_resource");
  return { text: parts.join("\n  and "), left };
}

/** The expression, and not what fits the condition. */
export function without(expression: string, spared: Condition): string {
  const before = expression.trim();
  const one = condition(spared);
  if (!one) return before;
  // What binds less than `and` would take the new part for its own.
  const loose = /\br#*"/.test(before) || /\b(or|xor)\b|\|\||\^\^/.test(before.replace(/"(?:[^"\\]|\\.)*"/g, ""));
  return `${loose ? `(${before})` : before}\n  and not ${one}`;
}

function ranged(low: number, high: number): string {
  if (low === high) return `cf.bot_management.score eq ${low}`;
  if (low === 1) return `cf.bot_management.score le ${high}`;
  if (high === 99) return `cf.bot_management.score ge ${low}`;
  return `cf.bot_management.score ge ${low} and cf.bot_management.score le ${high}`;
}

function condition([field, operator, value]: Condition): string {
  if (field === "score_group" && typeof value === "string") return group(value, operator);
  if (field === "client_ip") return address(operator, value);
  if (field === "detection_ids" && typeof value === "number") {
    const any = `any(cf.bot_management.detection_ids[*] eq ${value})`;
    return operator === "has" ? any : operator === "hasnot" ? `not ${any}` : "";
  }
  if (field === "js_detection") {
    const passed = "cf.bot_management.js_detection.passed";
    return value !== "passed" ? "" : operator === "eq" ? passed : operator === "neq" ? `not ${passed}` : "";
  }
  if (field === "static_resource") {
    return (value === true) === (operator === "eq") ? "cf.bot_management.static_resource" : "not cf.bot_management.static_resource";
  }
  const number = NUMBERS[field];
  if (number && typeof value === "number") return SIGNS[operator] ? `${number} ${SIGNS[operator]} ${value}` : "";
  const name = TEXTS[field];
  if (!name) return "";
  return said(name, operator, value);
}

function group(value: string, operator: string): string {
  const text = GROUPS[value];
  if (!text) return "";
  if (operator === "eq") return text;
  return operator === "neq" ? `not (${text})` : "";
}

function address(operator: string, value: Value | Value[]): string {
  const all = Array.isArray(value) ? value : [value];
  if (!all.every((each) => typeof each === "string" && /^[0-9a-f.:]+$/i.test(each))) return "";
  if (operator === "eq") return `ip.src eq ${all[0]}`;
  if (operator === "neq") return `ip.src ne ${all[0]}`;
  return operator === "in" ? `ip.src in {${all.join(" ")}}` : operator === "notin" ? `not ip.src in {${all.join(" ")}}` : "";
}

function said(name: string, operator: string, value: Value | Value[]): string {
  const all = (Array.isArray(value) ? value : [value]).map((each) => quoted(String(each)));
  switch (operator) {
    case "eq":
      return `${name} eq ${all[0]}`;
    case "neq":
      return `${name} ne ${all[0]}`;
    case "in":
      return `${name} in {${all.join(" ")}}`;
    case "notin":
      return `not ${name} in {${all.join(" ")}}`;
    case "like":
      return like(name, String(value));
    case "notlike":
      return `not ${like(name, String(value))}`;
    default:
      return "";
  }
}

/** `%` is any text: the beginning, the end, a part, or a pattern with wildcards. */
function like(name: string, pattern: string): string {
  const parts = pattern.split("%");
  const inner = parts.filter((part) => part !== "");
  if (inner.length === 1 && inner[0] !== undefined) {
    if (pattern === `%${inner[0]}%`) return `${name} contains ${quoted(inner[0])}`;
    if (pattern === `${inner[0]}%`) return `starts_with(${name}, ${quoted(inner[0])})`;
    if (pattern === `%${inner[0]}`) return `ends_with(${name}, ${quoted(inner[0])})`;
    if (pattern === inner[0]) return `${name} eq ${quoted(inner[0])}`;
  }
  return `${name} strict wildcard ${quoted(parts.map((part) => part.replaceAll("\\", "\\\\").replaceAll("*", "\\*")).join("*"))}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The rule as it stands in a configuration. */
export function yaml(name: string, expression: string, action: string): string {
  const lines = expression.split("\n").map((line) => `    ${line.trim()}`);
  return [`- ref: ${name}`, "  expression: >-", ...lines, `  action: ${action}`].join("\n");
}
