// Single requests, newest first, as many as one cares to load.
import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { records, type Table, useRound } from "../answers";
import { ask, Failure } from "../api";
import { type Condition } from "../filter";
import { moment, time } from "../format";
import { asked, go, spanned, type View } from "../location";
import { text } from "../text";
import { Score, shown } from "../values";
import { Card, Notice, Trouble } from "./card";

type Line = Record<string, string | number>;
const PAGE = 50;

export function Log({ view, touched }: { view: View; touched: Condition[] }): ComponentChildren {
  const [whole, setWhole] = useState(false);
  const [lines, setLines] = useState<Line[] | null>(null);
  const [state, setState] = useState<{ busy: boolean; end: boolean; failure: Failure | null }>({
    busy: true,
    end: false,
    failure: null,
  });
  const filter = whole ? view.filter : touched;
  const given = asked(view, filter);
  const key = new URLSearchParams(given).toString();
  const round = useRound();
  const load = (seen: Line[], signal: AbortSignal | null): void => {
    setState((was) => ({ ...was, busy: true }));
    const last = seen[seen.length - 1];
    const more: Record<string, string> = last ? { before: String(last.sequence) } : {};
    ask<Table>("/api/analytics/events", { ...given, limit: String(PAGE), ...more }, signal).then(
      (table) => {
        setLines([...seen, ...(records(table) as Line[])]);
        setState({ busy: false, end: table.rows.length < PAGE, failure: null });
      },
      (error: unknown) => {
        if (signal?.aborted) return;
        setState({ busy: false, end: false, failure: error instanceof Failure ? error : new Failure(0, String(error)) });
      },
    );
  };
  const asking = useRef("");
  useEffect(() => {
    // Who has loaded more is reading: a refresh does not take that away.
    if (asking.current === key && (lines?.length ?? 0) > PAGE) return;
    asking.current = key;
    const abort = new AbortController();
    load([], abort.signal);
    return () => abort.abort();
  }, [key, round]);
  return (
    <Card
      title={text.security.log}
      busy={state.busy}
      actions={
        <div class="ranges" role="group" aria-label={text.security.log}>
          <button type="button" aria-pressed={!whole} onClick={() => setWhole(false)}>
            {text.security.logTouched}
          </button>
          <button type="button" aria-pressed={whole} onClick={() => setWhole(true)}>
            {text.security.logAll}
          </button>
        </div>
      }
    >
      {state.failure && <Trouble failure={state.failure} />}
      {lines?.length === 0 && <Notice title={text.states.empty} hint={text.states.emptyHint} />}
      {lines && lines.length > 0 && <Lines lines={lines} today={spanned(view) <= 86_400} />}
      {lines && lines.length > 0 && (
        <p class="more">
          {state.end ? (
            <span class="soft">{text.security.end}</span>
          ) : (
            <button type="button" disabled={state.busy} onClick={() => load(lines, null)}>
              {text.security.more}
            </button>
          )}
        </p>
      )}
    </Card>
  );
}

function Lines({ lines, today }: { lines: Line[]; today: boolean }): ComponentChildren {
  const heads = text.security.columns;
  return (
    <table class="grid log">
      <thead>
        <tr>
          <th scope="col">{heads.time}</th>
          <th scope="col">{heads.action}</th>
          <th scope="col" class="number">
            {heads.score}
          </th>
          <th scope="col">{heads.request}</th>
          <th scope="col" class="number">
            {heads.status}
          </th>
          <th scope="col">{heads.client}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => {
          const seconds = Number(line.start) / 1e6;
          return (
            <tr key={line.sequence} onClick={() => go({ ray: String(line.ray) })}>
              <td class="when" title={moment(seconds)}>
                <button
                  type="button"
                  class="quiet"
                  aria-label={`${today ? time(seconds) : moment(seconds)}, ${text.security.open(String(line.ray))}`}
                  onClick={(event) => {
                    event.stopPropagation();
                    go({ ray: String(line.ray) });
                  }}
                >
                  {today ? time(seconds) : moment(seconds)}
                </button>
              </td>
              <td>
                <span class={`badge ${badge(line)}`}>
                  {line.would ? `${shown("would", line.would)} (${text.security.observing})` : shown("action", line.action)}
                </span>
                {line.rule_id && <span class="soft rule-name"> {line.rule_id}</span>}
              </td>
              <td class="number">
                <Score value={Number(line.score)} group={String(line.score_group)} />
              </td>
              <td class="request">
                <strong>{line.method}</strong> <span class="soft">{line.host}</span>
                {line.path}
              </td>
              <td class="number">{line.status}</td>
              <td class="client">
                {line.client_ip} {line.client_country && <span class="soft">{line.client_country}</span>}
                <span class="soft agent" title={String(line.user_agent)}>
                  {line.user_agent}
                </span>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function badge(line: Line): string {
  const action = String(line.would || line.action);
  if (action === "block") return "wrong";
  if (action.endsWith("Solved") || action.endsWith("Bypassed")) return "good";
  return action.toLowerCase().includes("challenge") ? "" : "plain";
}
