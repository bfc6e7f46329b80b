// What rules did: by action, rule and service, the solve rate of challenges, and the log.
import { type ComponentChildren } from "preact";
import { type Answer, type Table, useTable } from "../answers";
import { type Condition, include, type Value } from "../filter";
import { count, percent } from "../format";
import { current, go, type View } from "../location";
import { Alerts } from "../parts/alerts";
import { Approximate, Card, Notice, States } from "../parts/card";
import { Log } from "../parts/log";
import { Ranking, Rows } from "../parts/ranking";
import { StackedChart } from "../parts/stacked";
import { text } from "../text";

const ISSUED = new Set(["jschallenge", "managedChallenge", "challenge"]);
const ORDER = ["block", "challenge", "managedChallenge", "jschallenge", "skip", "allow", "log"];
const SOURCES = ["client_ip", "client_asn", "client_country", "user_agent", "path", "host"];
const MOST = 0.03; // Challenge Solve Rate above which people may be among the challenged
const ENOUGH = 20; // challenges, for a rate to mean anything

const isSolved = (action: string): boolean => action.endsWith("Solved");

export interface Told {
  rule: string;
  services: Set<string>;
  matched: number;
  issued: number;
  solved: number;
}

/** What each rule said, and what became of its challenges. */
export function byRule(table: Table): Told[] {
  const found = new Map<string, Told>();
  for (const [action, rule, service, number] of table.rows) {
    const name = String(rule);
    const told = found.get(name) ?? { rule: name, services: new Set(), matched: 0, issued: 0, solved: 0 };
    found.set(name, told);
    if (isSolved(String(action))) told.solved += Number(number);
    else {
      told.matched += Number(number);
      told.services.add(String(service));
      if (ISSUED.has(String(action))) told.issued += Number(number);
    }
  }
  return [...found.values()].sort((one, other) => other.matched - one.matched);
}

const suspicious = (told: Told): boolean => told.issued >= ENOUGH && told.solved / told.issued > MOST;

function summed(table: Table, column: number): { value: Value; number: number }[] {
  const found = new Map<string, number>();
  for (const row of table.rows) found.set(String(row[column]), (found.get(String(row[column])) ?? 0) + Number(row[3]));
  return [...found].map(([value, number]) => ({ value, number })).sort((one, other) => other.number - one.number);
}

export function Security({ view }: { view: View }): ComponentChildren {
  const touched: Condition[] = [...view.filter, ["action", "neq", "unknown"]];
  const rules = useTable("rules", view);
  const would = useTable("series", view, { by: "would" }, [...view.filter, ["would", "neq", ""]]);
  const series = useTable("series", view, { by: "action" }, touched);
  const all = (series.data?.rows ?? []).reduce((sum, row) => sum + Number(row[2]), 0);
  const observed = (would.data?.rows.length ?? 0) > 0;
  const named = (name: string): string => text.actions[name] ?? name;
  return (
    <>
      <Tiles series={series} would={would} />
      <Warning answer={rules} />
      <Alerts zone={view.zone} />
      <Card title={text.security.overTime} note={<Approximate of={series.data} />} busy={series.loading}>
        <States of={series} tall>
          {(table) =>
            table.rows.length ? (
              <StackedChart table={table} order={ORDER} label={text.security.overTime} named={named} legend />
            ) : (
              <Notice title={text.security.quiet} hint={text.security.quietHint} />
            )
          }
        </States>
      </Card>
      {observed && would.data && (
        <Card
          title={text.security.wouldOverTime}
          note={<span class="badge">{text.security.observing}</span>}
          busy={would.loading}
        >
          <StackedChart table={would.data} order={ORDER} label={text.security.wouldOverTime} named={named} legend />
        </Card>
      )}
      <RulesCard answer={rules} />
      <div class="halves">
        <Card title={text.security.byAction} busy={rules.loading}>
          <States of={rules} empty={(table) => !table.rows.length}>
            {(table) => <Summed field="action" rows={summed(table, 0)} />}
          </States>
        </Card>
        <Card title={text.security.byService} busy={rules.loading}>
          <States of={rules} empty={(table) => !table.rows.length}>
            {(table) => <Summed field="match_source" rows={summed(table, 2)} still />}
          </States>
        </Card>
      </div>
      <Card title={text.security.sources}>
        <div class="tops">
          {SOURCES.map((field) => (
            <Ranking key={field} field={field} view={view} all={all} filter={touched} limit={5} />
          ))}
        </div>
      </Card>
      <Log view={view} touched={touched} />
    </>
  );
}

function Summed({ field, rows, still = false }: { field: string; rows: { value: Value; number: number }[]; still?: boolean }): ComponentChildren {
  return <Rows field={field} rows={rows} all={rows.reduce((sum, row) => sum + row.number, 0)} coloured still={still} />;
}

function Tiles({ series, would }: { series: Answer<Table>; would: Answer<Table> }): ComponentChildren {
  let blocked = 0;
  let challenged = 0;
  let solved = 0;
  let let_ = 0;
  for (const [, action, number] of series.data?.rows ?? []) {
    const word = String(action);
    if (word === "block") blocked += Number(number);
    else if (ISSUED.has(word)) challenged += Number(number);
    else if (isSolved(word)) solved += Number(number);
    else let_ += Number(number);
  }
  const stopped = (would.data?.rows ?? []).reduce((sum, row) => sum + Number(row[2]), 0);
  const tiles: [string, string, number][] = [
    ["automated", text.security.blocked, blocked],
    ["amber", text.security.challenged, challenged],
    ["verified", text.security.solved, solved],
    ["purple", text.security.would, stopped],
    ["likely-human", text.security.let, let_],
  ];
  return (
    <ul class="tiles" aria-label={text.security.touched} aria-busy={series.loading}>
      {tiles.map(([colour, name, number]) => (
        <li key={name}>
          <div class="tile">
            <span class="tile-name">
              <i class={`dot ${colour}`} aria-hidden="true" /> {name}
            </span>
            <span class="tile-number">{series.data && !series.error ? count(number) : text.none}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}

function Warning({ answer }: { answer: Answer<Table> }): ComponentChildren {
  const high = answer.data ? byRule(answer.data).filter(suspicious) : [];
  if (!high.length) return null;
  return (
    <div class="warning" role="status">
      <strong>{text.security.highTitle}</strong>
      {text.security.highLead(high.map((told) => told.rule || text.security.noRule).join(", "))}
    </div>
  );
}

function RulesCard({ answer }: { answer: Answer<Table> }): ComponentChildren {
  return (
    <Card title={text.security.rules} busy={answer.loading} note={<Approximate of={answer.data} />}>
      <States of={answer} empty={(table) => !table.rows.length}>
        {(table) => (
          <div class="scroll tall" tabIndex={0} role="group" aria-label={text.security.rules}>
            <table class="grid rules">
              <thead>
                <tr>
                  <th scope="col">{text.security.rule}</th>
                  <th scope="col">{text.security.service}</th>
                  <th scope="col" class="number">
                    {text.security.matched}
                  </th>
                  <th scope="col" class="number">
                    {text.security.issued}
                  </th>
                  <th scope="col" class="number">
                    {text.security.solvedShort}
                  </th>
                  <th scope="col" class="number">
                    {text.security.rate}
                  </th>
                </tr>
              </thead>
              <tbody>
                {byRule(table).map((told) => (
                  <tr key={told.rule}>
                    <th scope="row">
                      <button
                        type="button"
                        class="quiet"
                        aria-label={text.values.include(told.rule || text.security.noRule)}
                        onClick={() => go({ filter: include(current().filter, "rule_id", told.rule) })}
                      >
                        {told.rule || text.security.noRule}
                      </button>
                    </th>
                    <td>{[...told.services].map((service) => text.services[service] ?? service).join(", ")}</td>
                    <td class="number">{count(told.matched)}</td>
                    <td class="number">{told.issued ? count(told.issued) : text.none}</td>
                    <td class="number">{told.issued ? count(told.solved) : text.none}</td>
                    <td class="number">
                      {suspicious(told) && <span class="badge">{text.security.high}</span>}{" "}
                      {told.issued ? percent(told.solved, told.issued) : text.none}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </States>
      <p class="hint">{text.security.rateHint}</p>
    </Card>
  );
}
