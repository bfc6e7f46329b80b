// Who visits: over time, by score, by what made the score, by anything else.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Answer, records, type Table, useTable } from "../answers";
import { aside, has, include, scores, type Value, withScores } from "../filter";
import { count, moment, percent } from "../format";
import { current, DAY, go, type View } from "../location";
import { Approximate, Card, States } from "../parts/card";
import { byScore, Distribution } from "../parts/distribution";
import { type Ranked, Ranking, Rows } from "../parts/ranking";
import { StackedChart } from "../parts/stacked";
import { Tabs } from "../parts/tabs";
import { text } from "../text";
import { COLOURS } from "../values";

const GROUPS = ["automated", "likely_automated", "likely_human", "verified_bot", "other"];
const TABS = {
  clients: ["client_ip", "client_asn", "client_country", "user_agent", "browser"],
  requests: ["path", "host", "method", "status", "referer_host", "os"],
  fingerprints: ["ja4", "ja3", "protocol"],
  bots: ["verified_bot_category", "bot_tags", "detection_ids", "detection_tags", "rule_id"],
};
type Tab = keyof typeof TABS;

export function Analytics({ view }: { view: View }): ComponentChildren {
  const totals = useTable("totals", view);
  const groups = useTable("totals", view, {}, aside(view.filter, "score_group"));
  const series = useTable("series", view, { by: "score_group" });
  const all = (totals.data?.rows ?? []).reduce((sum, row) => sum + Number(row[1]), 0);
  const interval = sampling(totals.data);
  return (
    <>
      <Tiles answer={groups} />
      {interval > 1.05 && <p class="hint">{text.states.sampled(Math.round(interval))}</p>}
      <Card title={text.analytics.overTime} note={<Approximate of={series.data} />} busy={series.loading} class="wide">
        <States of={series} empty={(table) => table.rows.length === 0} more={<Elsewhere view={view} />} tall>
          {(table) => (
            <StackedChart
              table={table}
              order={GROUPS}
              label={text.analytics.overTime}
              named={(name) => text.groups[name] ?? name}
            />
          )}
        </States>
      </Card>
      <div class="two">
        <ScoresCard view={view} />
        <SourcesCard view={view} />
      </div>
      <Tops view={view} all={all} />
    </>
  );
}

const EVER = 399 * DAY;

/** Where there is something, when there is nothing here: an imported log may be of last month. */
function Elsewhere({ view }: { view: View }): ComponentChildren {
  const answer = useTable("events", { ...view, since: -EVER, until: 0 }, { limit: "1" });
  const newest = answer.data ? records(answer.data)[0] : undefined;
  if (!newest) return null;
  const at = Math.ceil(Number(newest.start) / 1e6);
  return (
    <p>
      {text.states.newest(moment(at))}{" "}
      <button type="button" class="primary" onClick={() => go({ since: at + 1 - DAY, until: at + 1, live: false })}>
        {text.states.look}
      </button>
    </p>
  );
}

function sampling(table: Table | null): number {
  let weighed = 0;
  let all = 0;
  for (const row of table?.rows ?? []) {
    weighed += Number(row[4] ?? 1) * Number(row[1]);
    all += Number(row[1]);
  }
  return all ? weighed / all : 1;
}

function Tiles({ answer }: { answer: Answer<Table> }): ComponentChildren {
  const known = answer.data !== null && answer.error === null; // numbers of before are not those of now
  const numbers = new Map((answer.data?.rows ?? []).map((row) => [String(row[0]), Number(row[1])]));
  const all = [...numbers.values()].reduce((sum, one) => sum + one, 0);
  const { filter } = current();
  return (
    <ul class="tiles" aria-label={text.analytics.groups} aria-busy={answer.loading}>
      {GROUPS.map((group) => (
        <li key={group}>
          <button
            type="button"
            class="tile"
            data-group={group}
            aria-pressed={has(filter, "score_group", "eq", group)}
            onClick={() => go({ filter: include(current().filter, "score_group", group) })}
          >
            <span class="tile-name">
              <i class={`dot ${COLOURS[group]}`} aria-hidden="true" /> {text.groups[group]}
            </span>
            <span class="tile-number">{known ? count(numbers.get(group) ?? 0) : text.none}</span>
            <span class="tile-note">
              {known ? `${percent(numbers.get(group) ?? 0, all)} · ` : ""}
              {text.groupHints[group]}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function ScoresCard({ view }: { view: View }): ComponentChildren {
  const answer = useTable("distribution", view, { by: "score_group" }, aside(view.filter, "score"));
  const range = scores(view.filter);
  return (
    <Card
      title={text.analytics.distribution}
      note={<Approximate of={answer.data} />}
      busy={answer.loading}
      actions={
        (range[0] !== 1 || range[1] !== 99) && (
          <button type="button" class="quiet" onClick={() => go({ filter: withScores(current().filter, 1, 99) })}>
            {text.analytics.allScores}
          </button>
        )
      }
    >
      <States of={answer} tall>
        {(table) => (
          <Distribution
            counts={byScore(table)}
            unjudged={byScore(table, "other")}
            range={range}
            choose={(low, high) => go({ filter: withScores(current().filter, low, high) })}
          />
        )}
      </States>
      <p class="hint">{text.analytics.distributionHint}</p>
    </Card>
  );
}

function SourcesCard({ view }: { view: View }): ComponentChildren {
  const answer = useTable("sources", view);
  return (
    <Card title={text.analytics.source} note={<Approximate of={answer.data} />} busy={answer.loading} class="sources">
      <States of={answer} empty={(table) => table.rows.length === 0}>
        {(table) => {
          const rows = table.rows.map((row) => ({ value: row[0] as Value, number: Number(row[1]) }));
          const all = rows.reduce((sum, row) => sum + row.number, 0);
          return <Rows field="score_source" rows={rows} all={all} extra={(row) => <About row={row} />} />;
        }}
      </States>
    </Card>
  );
}

/** What an engine is, to be pointed at or reached with the keyboard. */
function About({ row }: { row: Ranked }): ComponentChildren {
  const [shut, close] = useState(false);
  const name = String(row.value);
  const said = text.sources[name];
  if (!said) return null;
  const id = `about-${name.replaceAll(" ", "-")}`;
  return (
    <span
      class={`about ${shut ? "shut" : ""}`}
      onMouseEnter={() => close(false)}
      onKeyDown={(event) => event.key === "Escape" && close(true)}
    >
      <button type="button" aria-label={text.analytics.about(name)} aria-describedby={id} onFocus={() => close(false)}>
        <span aria-hidden="true">i</span>
      </button>
      <span role="tooltip" id={id}>
        {said}
      </span>
    </span>
  );
}

function Tops({ view, all }: { view: View; all: number }): ComponentChildren {
  const tab: Tab = view.tab in TABS ? (view.tab as Tab) : "clients";
  return (
    <Card title={text.analytics.top} class="wide">
      <Tabs
        label={text.analytics.top}
        names={Object.keys(TABS) as Tab[]}
        of={text.analytics.tabs}
        now={tab}
        controls="tops"
      />
      <div class="tops" id="tops" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {TABS[tab].map((field) => (
          <Ranking key={field} field={field} view={view} all={all} />
        ))}
      </div>
    </Card>
  );
}
