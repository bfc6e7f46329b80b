// Who looks, what they may change, and why not more: what the admin listener refuses is not offered.
import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import { text } from "./text";

export interface Operator {
  name: string;
  role: "read" | "operator";
  zones: string[] | null; // null is all of them
}

/** Who looks; null as long as that is not known. */
export const Looking = createContext<Operator | null>(null);

export interface Rights {
  /** Why this site, or with null what is of no one site, may not be changed; "" when it may. */
  refusal: (zone: string | null) => string;
  /** Why nothing at all may be changed; "" where something may. */
  reading: string;
}

export function useRights(): Rights {
  const operator = useContext(Looking);
  return {
    refusal: (zone) => (operator ? refusal(operator, zone) : ""),
    reading: operator?.role === "read" ? text.rights.read(operator.name) : "",
  };
}

function refusal({ name, role, zones }: Operator, zone: string | null): string {
  if (role === "read") return text.rights.read(name);
  if (zones === null || (zone !== null && zones.includes(zone))) return "";
  return text.rights.limited(name, zones.join(", "));
}

/** Why something is not offered, where it would stand. */
export function Locked({ why }: { why: string }): ComponentChildren {
  return why ? (
    <p class="locked" role="note">
      {why}
    </p>
  ) : null;
}

/** The mark of who may not change everything. */
export function RightsBadge(): ComponentChildren {
  const operator = useContext(Looking);
  const why = operator ? refusal(operator, null) : "";
  return why ? (
    <span class="badge plain" title={why}>
      {operator?.role === "read" ? text.rights.readBadge : text.rights.limitedBadge((operator?.zones ?? []).join(", "))}
    </span>
  ) : null;
}
