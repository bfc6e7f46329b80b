// Everything known of one request, and why it has its score.
import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAsk } from "../answers";
import { bytes, moment, time } from "../format";
import { go } from "../location";
import { fieldName, text } from "../text";
import { Score, shown } from "../values";
import { Notice, States } from "./card";

type Event = Record<string, string | number | boolean | (string | number)[]>;

interface Explanation {
  sentence: string;
  engines: { engine: string; said: string }[];
  base: number;
  contributions: { feature: string; value: number | null; points: number; meaning: string }[];
  rounding: number;
  changes: string[];
  note: string;
}

const GROUPS: [keyof typeof text.drawer.groups, string[]][] = [
  ["what", ["start", "zone", "mode", "method", "scheme", "host", "path", "query", "protocol", "referer", "x_requested_with", "request_bytes"]],
  [
    "who",
    ["client_ip", "client_port", "client_country", "client_asn", "cloud", "hosting", "user_agent", "browser", "os", "device",
      "client_ssl_protocol", "client_ssl_cipher", "ja4", "ja3", "http2_fingerprint", "session"],
  ],
  [
    "bot",
    ["score", "score_source", "score_group", "score_lift", "reasons", "detection_ids", "detection_tags", "verified_bot_category",
      "bot_tags", "js_detection", "static_resource", "peer_bot_score", "scoring_failed"],
  ],
  [
    "verdict",
    ["action", "would", "rule_id", "rule_description", "actions", "rule_ids", "sources", "shadow_actions", "shadow_rule_ids",
      "originator_ray", "unevaluated"],
  ],
  ["answer", ["status", "response_bytes", "content_type", "first_byte_ms", "duration_ms", "origin", "origin_status", "origin_ms", "ending", "detail", "sample_interval"]],
];

const ASKED = new Set([
  ...["host", "path", "method", "client_ip", "client_country", "client_asn", "cloud", "user_agent", "ja4", "ja3", "session"],
  ...["score_group", "score_source", "verified_bot_category", "js_detection", "action", "would", "rule_id", "status"],
]);

export function Drawer({ ray }: { ray: string }): ComponentChildren {
  const box = useRef<HTMLDialogElement>(null);
  const answer = useAsk<Event>(`/api/analytics/events/${encodeURIComponent(ray)}`);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const close = (): void => go({ ray: "" });
  return (
    <dialog
      class="drawer"
      ref={box}
      aria-labelledby="drawer-title"
      onClose={close}
      onClick={(event) => event.target === box.current && close()}
    >
      <div class="drawer-body">
        <header class="drawer-head">
          <h2 id="drawer-title">
            {text.drawer.title} <code>{ray}</code>
          </h2>
          <CopyButton what={ray} />
          <button type="button" class="close" onClick={close} aria-label={text.drawer.close}>
            <span aria-hidden="true">✕</span>
          </button>
        </header>
        {answer.error?.status === 404 ? (
          <Notice title={text.states.empty} hint={text.drawer.notFound} />
        ) : (
          <States of={answer}>{(event) => <Known event={event} ray={ray} />}</States>
        )}
      </div>
    </dialog>
  );
}

function Known({ event, ray }: { event: Event; ray: string }): ComponentChildren {
  return (
    <>
      <p class="request-line">
        <Score value={Number(event.score)} group={String(event.score_group)} />
        <span>
          <strong>{String(event.method)}</strong> {String(event.host)}
          {String(event.path)}
          {event.query ? `?${String(event.query)}` : ""}
        </span>
      </p>
      <p class="soft">
        {moment(Number(event.start) / 1e6)} · {shown("action", event.action)}
        {event.would ? ` · ${fieldName("would")}: ${shown("would", event.would)}` : ""} · {String(event.status)}
      </p>
      <p>
        <button
          type="button"
          onClick={() => go({ ray: "", filter: [["client_ip", "eq", String(event.client_ip)]] })}
        >
          {text.drawer.minutes}
        </button>
      </p>
      <Explained ray={ray} />
      {GROUPS.map(([name, fields]) => {
        const rows = fields.filter((field) => field in event && told(event[field]));
        return rows.length ? (
          <section key={name}>
            <h3>{text.drawer.groups[name]}</h3>
            <dl class="facts">
              {rows.map((field) => (
                <div key={field}>
                  <dt>{fieldName(field)}</dt>
                  <dd>
                    <Fact field={field} value={event[field]} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ) : null;
      })}
      <details>
        <summary>{text.drawer.json}</summary>
        <pre tabIndex={0}>{JSON.stringify(event, null, 2)}</pre>
      </details>
    </>
  );
}

/** A value; where a filter can ask for it, a way to look at it alone. */
function Fact({ field, value }: { field: string; value: unknown }): ComponentChildren {
  const words = written(field, value);
  if (!ASKED.has(field) || (typeof value !== "string" && typeof value !== "number")) return words;
  return (
    <button
      type="button"
      class="fact"
      title={text.values.include(words)}
      aria-label={text.values.include(words)}
      onClick={() => go({ ray: "", filter: [[field, "eq", value]] })}
    >
      {words}
    </button>
  );
}

const told = (value: unknown): boolean => value !== "" && value !== false && value !== 0 && !(Array.isArray(value) && !value.length);

function written(field: string, value: unknown): string {
  if (field === "start") return `${moment(Number(value) / 1e6)} (${time(Number(value) / 1e6)})`;
  if (field.endsWith("_bytes")) return bytes(Number(value));
  if (field.endsWith("_ms")) return `${Number(value)} ms`;
  return shown(field === "actions" || field === "shadow_actions" ? "action" : field === "sources" ? "match_source" : field, value);
}

function Explained({ ray }: { ray: string }): ComponentChildren {
  const answer = useAsk<Explanation>(`/api/analytics/events/${encodeURIComponent(ray)}/explanation`);
  return (
    <section class="explained">
      <h3>{text.drawer.why}</h3>
      {answer.error?.status === 404 ? (
        <p class="soft">{text.drawer.noExplanation}</p>
      ) : (
        <States of={answer}>{(told) => <Reasons told={told} />}</States>
      )}
    </section>
  );
}

function Reasons({ told }: { told: Explanation }): ComponentChildren {
  const shownFirst = told.contributions.slice(0, 10);
  const rest = told.contributions.slice(10);
  const most = Math.max(1, ...told.contributions.map((each) => Math.abs(each.points)));
  const left = rest.reduce((sum, each) => sum + each.points, 0) + told.rounding;
  return (
    <>
      <p>{told.sentence}</p>
      {told.engines.length > 0 && (
        <ul class="engines">
          {told.engines.map((each) => (
            <li key={each.engine + each.said}>
              <strong>{each.engine}</strong> {each.said}
            </li>
          ))}
        </ul>
      )}
      {shownFirst.length > 0 && (
        <>
          <h4>{text.drawer.facts}</h4>
          <table class="points">
            <tbody>
              <tr>
                <td class="number">{signed(told.base)}</td>
                <td />
                <td>{text.drawer.base}</td>
              </tr>
              {shownFirst.map((each) => (
                <tr key={each.feature}>
                  <td class="number">{signed(each.points)}</td>
                  <td class="points-bar">
                    <i
                      class={each.points < 0 ? "against" : "towards"}
                      style={{ width: `${(Math.abs(each.points) / most) * 50}%` }}
                      title={each.points < 0 ? text.drawer.against : text.drawer.towards}
                    />
                  </td>
                  <td>{each.meaning}</td>
                </tr>
              ))}
              {rest.length > 0 && (
                <tr>
                  <td class="number">{signed(left)}</td>
                  <td />
                  <td>{text.drawer.rest(rest.length)}</td>
                </tr>
              )}
            </tbody>
          </table>
        </>
      )}
      {told.changes.length > 0 && (
        <>
          <h4>{text.drawer.changes}</h4>
          <ul>
            {told.changes.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </>
      )}
      {told.note && <p class="soft">{told.note}</p>}
    </>
  );
}

const signed = (number: number): string => `${number >= 0 ? "+" : "−"}${Math.abs(number).toFixed(1)}`;

export function CopyButton({ what, label = text.drawer.copy }: { what: string; label?: string }): ComponentChildren {
  const [done, set] = useState(false);
  return (
    <button
      type="button"
      onClick={() =>
        navigator.clipboard.writeText(what).then(
          () => {
            set(true);
            setTimeout(() => set(false), 1500);
          },
          () => undefined,
        )
      }
    >
      {done ? text.drawer.copied : label}
    </button>
  );
}
