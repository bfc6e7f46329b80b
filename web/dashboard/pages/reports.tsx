// The inbox: what visitors wrote who did not get through, and what is done about it.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { refresh, useAsk } from "../answers";
import { send } from "../api";
import { moment } from "../format";
import { go, type View } from "../location";
import { Card, Notice, States } from "../parts/card";
import { Pages } from "../parts/pages";
import { Exception } from "../reports/exception";
import { type Report } from "../reports/report";
import { Locked, useRights } from "../rights";
import { text } from "../text";
import { Score, shown } from "../values";

const words = text.reports;

interface Listed {
  reports: Report[];
  total?: number;
  events_unknown: string | null;
}

const PAGE = 50;

const FRESH = 30; // seconds in which a request may be on its way to the store

const KINDS: [string, string][] = [
  ["no", words.open],
  ["yes", words.handled],
  ["", words.every],
];

export function Reports({ view, zones }: { view: View; zones: string[] }): ComponentChildren {
  const [handled, setHandled] = useState("no");
  const [from, turn] = useState(0);
  const [find, look] = useState("");
  const { reading } = useRights();
  useEffect(() => turn(0), [view.zone]);
  const answer = useAsk<Listed>("/api/reports", {
    limit: String(PAGE),
    ...(from ? { offset: String(from) } : {}),
    ...(find ? { find } : {}),
    ...(view.zone ? { zone: view.zone } : {}),
    ...(handled ? { handled } : {}),
  });
  if (answer.error?.status === 404 || answer.error?.status === 503)
    return <Notice title={words.noReports} hint={words.noReportsHint} />;
  return (
    <Card
      title={words.title}
      busy={answer.loading}
      actions={
        <>
          {zones.length > 1 && (
            <select aria-label={text.bar.zone} value={view.zone} onChange={(event) => go({ zone: event.currentTarget.value })}>
              <option value="">{text.bar.allZones}</option>
              {zones.map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          )}
          <button type="button" onClick={refresh}>
            {text.bar.refresh}
          </button>
          <div class="ranges" role="group" aria-label={words.title}>
            {KINDS.map(([value, name]) => (
              <button type="button" key={name} aria-pressed={handled === value} onClick={() => (setHandled(value), turn(0))}>
                {name}
              </button>
            ))}
          </div>
        </>
      }
    >
      <p class="soft">{words.lead}</p>
      <Locked why={reading} />
      <Pages
        what={words.title}
        from={from}
        size={PAGE}
        total={answer.data?.total ?? 0}
        find={find}
        turn={turn}
        look={(now) => (look(now), turn(0))}
      />
      <States of={answer}>
        {({ reports, events_unknown: unknown }) => (
          <>
            {unknown && (
              <p class="warning">
                <strong>{words.unknown}</strong>
                {unknown}
              </p>
            )}
            {reports.length === 0 && !find && <Notice title={words.none} hint={words.noneHint} />}
            <ul class="reports">
              {reports.map((report) => (
                <One key={report.zone + report.ray} report={report} />
              ))}
            </ul>
          </>
        )}
      </States>
    </Card>
  );
}

function One({ report }: { report: Report }): ComponentChildren {
  const [failure, fail] = useState("");
  const [excepting, except] = useState(false);
  const event = report.event;
  const why = useRights().refusal(report.zone);
  const locked = { disabled: Boolean(why), title: why || undefined };
  const label = async (what: string): Promise<void> => {
    try {
      await send("POST", `/api/reports/${report.ray}`, { label: what });
      fail("");
      refresh();
    } catch (error) {
      fail(String((error as Error).message));
    }
  };
  const at = typeof report.at === "number" ? report.at : Date.parse(report.at) / 1000;
  return (
    <li class="report">
      <div class="report-head">
        <strong>{report.host || report.zone}</strong>
        <span class="badge plain">{words.seen[report.seen] ?? report.seen}</span>
        <span class="soft">{moment(at)}</span>
        {report.handled && (
          <span class="badge good">
            {words.done[report.handled.what] ?? report.handled.what} · {report.handled.who}
          </span>
        )}
      </div>
      <blockquote>{report.note}</blockquote>
      {report.address && (
        <p class="soft">
          {words.answer} {report.address}
        </p>
      )}
      <p class="report-request">
        {event ? (
          <>
            <Score value={Number(event.score)} group={String(event.score_group)} /> <strong>{event.method}</strong> {event.path} ·{" "}
            {shown("action", event.action)} {event.rule_id && <span class="soft">({event.rule_id})</span>} · {report.ip}{" "}
            <span class="soft">{event.user_agent}</span>
          </>
        ) : (
          <>
            {report.ip} <span class="soft">{report.user_agent}</span> · <span class="soft">{Date.now() / 1000 - at < FRESH ? words.notYet : words.notStored}</span>
          </>
        )}
      </p>
      <div class="bar-row">
        {event && (
          <button type="button" onClick={() => go({ ray: report.ray })}>
            {words.explain}
          </button>
        )}
        <button type="button" {...locked} onClick={() => except(!excepting)} aria-expanded={excepting}>
          {words.exception}
        </button>
        <span class="soft">{words.label}</span>
        {["human", "bot", "dismissed"].map((what) => (
          <button
            type="button"
            key={what}
            {...locked}
            aria-pressed={report.handled?.what === what}
            onClick={() => label(what)}
          >
            {words.labels[what]}
          </button>
        ))}
        {report.handled && (
          <button type="button" class="quiet" {...locked} onClick={() => label("none")}>
            {words.labels.none}
          </button>
        )}
      </div>
      {failure && <p class="wrong pre">{failure}</p>}
      {excepting && <Exception report={report} />}
    </li>
  );
}
