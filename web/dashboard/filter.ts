// The filter of a view: conditions that are all true, as the API takes them and as an address carries them.

export type Value = string | number | boolean;
export type Condition = [field: string, operator: string, value: Value | Value[]];

/** Lists of the event, which have an item or do not. */
export const LISTS: ReadonlySet<string> = new Set(["detection_ids", "detection_tags", "bot_tags", "reasons", "rule_ids"]);

/** The filter with this value alone of the field; scores keep their range. */
export function include(filter: Condition[], field: string, value: Value): Condition[] {
  const operator = LISTS.has(field) ? "has" : "eq";
  const rest = filter.filter(([name, word]) => name !== field || word === "neq" || word === "notin" || LISTS.has(name));
  return has(filter, field, operator, value) ? without(filter, field, operator, value) : [...rest, [field, operator, value]];
}

/** The filter without this value of the field. */
export function exclude(filter: Condition[], field: string, value: Value): Condition[] {
  const operator = LISTS.has(field) ? "hasnot" : "neq";
  return has(filter, field, operator, value) ? filter : [...filter, [field, operator, value]];
}

export function has(filter: Condition[], field: string, operator: string, value: Value): boolean {
  return filter.some(([name, word, held]) => name === field && word === operator && held === value);
}

function without(filter: Condition[], field: string, operator: string, value: Value): Condition[] {
  return filter.filter(([name, word, held]) => !(name === field && word === operator && held === value));
}

/** The range of scores that the filter leaves, 1 to 99 when it says nothing of scores. */
export function scores(filter: Condition[]): [low: number, high: number] {
  let low = 1;
  let high = 99;
  for (const [field, operator, value] of filter) {
    if (field !== "score" || typeof value !== "number") continue;
    if (operator === "geq" || operator === "eq") low = Math.max(low, value);
    if (operator === "leq" || operator === "eq") high = Math.min(high, value);
  }
  return low <= high ? [low, high] : [1, 99];
}

/** The filter with another range of scores; the whole range says nothing. */
export function withScores(filter: Condition[], low: number, high: number): Condition[] {
  const rest = aside(filter, "score");
  return low === 1 && high === 99 ? rest : [...rest, ["score", "geq", low], ["score", "leq", high]];
}

/** The filter without what it says of a field, for the chart that shows all values of it. */
export function aside(filter: Condition[], field: string): Condition[] {
  return filter.filter(([name]) => name !== field);
}

/** A filter out of an address; what is no condition is left out. */
export function readFilter(text: string): Condition[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return [];
  }
  return Array.isArray(given) ? given.filter(isCondition) : [];
}

function isCondition(given: unknown): given is Condition {
  return Array.isArray(given) && given.length === 3 && typeof given[0] === "string" && typeof given[1] === "string";
}
