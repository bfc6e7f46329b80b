// The versions of all changes, what each was different in, and the way back.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAsk } from "../answers";
import { ask, send } from "../api";
import { moment } from "../format";
import { Card, Notice, States } from "../parts/card";
import { Pages, usePages } from "../parts/pages";
import { useRights } from "../rights";
import { text } from "../text";
import { Diff, refused } from "./review";
import { type Version } from "./shapes";
import { Confirm } from "./switches";

const words = text.config.history;
const PAGE = 50; // entries of the audit

interface Entry {
  at: number | string;
  who: string;
  action: string;
  zone: string | null;
  before: unknown;
  after: unknown;
  what: string;
}

const when = (at: number | string): string => moment(typeof at === "number" ? at : Date.parse(at) / 1000);

export function History(): ComponentChildren {
  const answer = useAsk<{ version: number; versions: Version[] }>("/api/config/versions");
  const [from, turn] = useState(0);
  const [find, look] = useState("");
  const asked = { limit: String(PAGE), ...(from ? { offset: String(from) } : {}), ...(find ? { find } : {}) };
  const audit = useAsk<{ entries: Entry[]; total: number }>("/api/audit", asked);
  const versions = usePages(text.config.tabs.history, answer.data?.versions ?? [], (each) => `${each.version} ${each.who} ${each.what}`);
  const [back, goBack] = useState<number | null>(null);
  const why = useRights().reading; // who may change some sites may go back where a version differs in those alone
  return (
    <>
      <Card title={text.config.tabs.history} busy={answer.loading} actions={<Export />}>
        <States of={answer}>
          {({ version, versions: all }) => (
            <>
              {all.length === 0 && <Notice title={words.empty} />}
              {versions.bar}
              <ol class="versions">
                {versions.rows.map(({ row: each }) => (
                  <One key={each.version} each={each} now={each.version === version} why={why} back={() => goBack(each.version)} />
                ))}
                {all.length > 0 && (
                  <li>
                    <span>{words.first}</span>{" "}
                    {version === 0 ? (
                      <span class="badge good">{words.now}</span>
                    ) : (
                      <button type="button" class="quiet" disabled={Boolean(why)} title={why || undefined} onClick={() => goBack(0)}>
                        {words.back}
                      </button>
                    )}
                  </li>
                )}
              </ol>
            </>
          )}
        </States>
      </Card>
      <Card title={words.audit} busy={audit.loading}>
        <p class="soft">{words.auditLead}</p>
        <Pages
          what={words.audit}
          from={from}
          size={PAGE}
          total={audit.data?.total ?? 0}
          find={find}
          turn={turn}
          look={(now) => (look(now), turn(0))}
        />
        <States of={audit} empty={({ entries }) => entries.length === 0 && !find} hint="">
          {({ entries }) => (
            <ul class="audit">
              {entries.map((entry, at) => (
                <li key={at}>
                  <span class="soft">{when(entry.at)}</span> <strong>{entry.who}</strong> {entry.action} {entry.zone && <em>{entry.zone}</em>} {entry.what}
                </li>
              ))}
            </ul>
          )}
        </States>
      </Card>
      {back !== null && (
        <Confirm
          asked={{ what: words.gone(back), hint: "", run: () => rollback(back) }}
          close={() => goBack(null)}
        />
      )}
    </>
  );
}

async function rollback(version: number): Promise<void> {
  try {
    await send("POST", "/api/config/rollback", { version });
  } catch (error) {
    throw new Error(refused(error));
  }
}

function One({ each, now, why, back }: { each: Version; now: boolean; why: string; back: () => void }): ComponentChildren {
  const [open, show] = useState(false);
  const found = useAsk<{ diff: string }>(open ? `/api/config/versions/${each.version}` : "");
  return (
    <li>
      <span>
        <strong>{text.config.version(each.version)}</strong> {now && <span class="badge good">{words.now}</span>}{" "}
        <span class="soft">
          {when(each.at)} · {each.who}
        </span>{" "}
        {each.what} {each.restored !== null && <span class="badge plain">{words.restored(each.restored)}</span>}
      </span>
      {!now && (
        <button type="button" class="quiet" disabled={Boolean(why)} title={why || undefined} onClick={back}>
          {words.back}
        </button>
      )}
      <details onToggle={(event) => show(event.currentTarget.open)}>
        <summary>{words.diff}</summary>
        {open && <States of={found}>{({ diff }) => <Diff diff={diff} />}</States>}
      </details>
    </li>
  );
}

function Export(): ComponentChildren {
  const [said, say] = useState("");
  const why = useRights().refusal(null);
  const copy = async (): Promise<void> => {
    try {
      const { text: whole } = await ask<{ text: string }>("/api/config/export");
      await navigator.clipboard.writeText(whole);
      say(text.drawer.copied);
    } catch (error) {
      say(String((error as Error).message));
    }
  };
  return (
    <>
      <span class="soft" role="status">
        {said}
      </span>
      <button type="button" disabled={Boolean(why)} title={why || undefined} onClick={copy}>
        {words.export}
      </button>
    </>
  );
}
