// What was unusual lately, and a way to look at just that.
import { type ComponentChildren } from "preact";
import { useAsk } from "../answers";
import { type Condition } from "../filter";
import { moment } from "../format";
import { go } from "../location";
import { text } from "../text";
import { usePages } from "./pages";
import { Card } from "./card";

interface Alert {
  text: string;
  at: number;
  type: string;
  zone: string;
  group: { by: string; value: string } | null;
  since: number;
  until: number;
}

const BEFORE = 1800; // seconds of usual traffic that are shown before an alert

export function Alerts({ zone }: { zone: string }): ComponentChildren {
  const answer = useAsk<{ alerts: Alert[] }>("/api/alerts", { limit: "200" });
  const shown = (answer.data?.alerts ?? []).filter((alert) => !zone || alert.zone === zone);
  const pages = usePages(text.alerts.title, shown, (alert) => alert.text, 5);
  if (!shown.length) return null; // none, or a version without alerts
  return (
    <Card title={text.alerts.title} class="alerts">
      {pages.bar}
      <ul>
        {pages.rows.map(({ row: alert }) => (
          <li key={`${alert.at}${alert.text}`}>
            <span class="soft">{moment(alert.at)}</span> <span>{alert.text}</span>{" "}
            <button type="button" class="quiet" onClick={() => look(alert)}>
              {text.alerts.look} →
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function look(alert: Alert): void {
  const range = { zone: alert.zone, since: alert.since - BEFORE, until: alert.until, live: false };
  const stopped = alert.type !== "bot_traffic_basic_alert" && alert.type !== "custom_bot_detection_alert";
  go({ ...range, page: stopped ? "security" : "analytics", filter: stopped ? [] : conditions(alert) });
}

function conditions({ group }: Alert): Condition[] {
  if (group?.by === "ja4") return [["ja4", "eq", group.value]];
  if (group?.by === "asn") return [["client_asn", "eq", Number(group.value)]];
  if (group?.by.startsWith("detection")) return [["detection_ids", "has", Number(group.value)]];
  return [
    ["score", "geq", 1],
    ["score", "leq", 29],
    ["verified_bot_category", "eq", ""],
  ];
}
