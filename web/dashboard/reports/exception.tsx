// An exception for requests like one that was reported: seen and backtested before it is made, and over by itself.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { refresh } from "../answers";
import { send } from "../api";
import { Diff, refused } from "../config/review";
import { said, type Said } from "../config/shapes";
import { Working } from "../config/working";
import { count, duration, moment } from "../format";
import { text } from "../text";
import { shown } from "../values";
import { type Report } from "./report";

const words = text.reports;

interface Preview {
  expression: string;
  until: number;
  diff: string;
  problems: Said[];
  backtest: { error?: string; requests?: number; groups?: { action: string; score_group: string; count: number }[] };
}

export function Exception({ report }: { report: Report }): ComponentChildren {
  const [hours, setHours] = useState(24);
  const [match, setMatch] = useState<string[]>(report.event?.ja4 ? ["ip", "ja4"] : ["ip", "user_agent"]);
  const [prefix, setPrefix] = useState("");
  const [preview, setPreview] = useState<Preview | null>(null);
  const [told, tell] = useState<{ text: string; wrong: boolean } | null>(null);
  const body = { hours, match, ...(prefix ? { path_prefix: prefix } : {}) };
  const ask = async (only: boolean): Promise<void> => {
    tell(null);
    setBusy(only ? words.trying : text.config.stage.working);
    try {
      const answer = await send<Preview>("POST", `/api/reports/${report.ray}/exception`, { ...body, preview: only });
      if (only) {
        setPreview(answer);
        return;
      }
      tell({ text: words.made, wrong: false });
      refresh();
    } catch (error) {
      setPreview(null);
      tell({ text: refused(error), wrong: true });
    } finally {
      setBusy("");
    }
  };
  const changed = (): void => setPreview(null);
  const [busy, setBusy] = useState("");
  return (
    <div class="edit">
      <div class="bar-row">
        <label class="field">
          <span>{words.hours}</span>
          <select value={hours} onChange={(event) => (changed(), setHours(Number(event.currentTarget.value)))}>
            {[1, 24, 72, 168, 720].map((each) => (
              <option key={each} value={each}>
                {duration(each * 3600)}
              </option>
            ))}
          </select>
        </label>
        <fieldset class="spare">
          <legend>{words.match}</legend>
          {Object.entries(words.parts).map(([part, name]) => (
            <label class="check" key={part}>
              <input
                type="checkbox"
                checked={match.includes(part)}
                onChange={(event) => {
                  changed();
                  setMatch(event.currentTarget.checked ? [...match, part] : match.filter((each) => each !== part));
                }}
              />
              {name}
            </label>
          ))}
        </fieldset>
        <label class="field">
          <span>{words.prefix}</span>
          <input value={prefix} placeholder="/" onInput={(event) => (changed(), setPrefix(event.currentTarget.value.trim()))} />
        </label>
        <button type="button" disabled={!match.length || Boolean(busy)} onClick={() => void ask(true)}>
          {words.preview}
        </button>
      </div>
      {preview && (
        <>
          <code>{preview.expression}</code>
          <span class="soft">{text.config.rules.until(moment(preview.until))}</span>
          <Backtest of={preview.backtest} />
          {preview.problems.map((each) => (
            <p class="wrong pre" key={said(each)}>
              {said(each)}
            </p>
          ))}
          <Diff diff={preview.diff} />
          <div class="buttons">
            <button type="button" class="primary" disabled={preview.problems.length > 0 || Boolean(busy)} onClick={() => void ask(false)}>
              {words.make}
            </button>
          </div>
        </>
      )}
      {busy && <Working key={busy} what={busy} only={busy === words.trying} />}
      {told && (
        <p class={told.wrong ? "wrong pre" : "fine"} role="status">
          {told.text}
        </p>
      )}
    </div>
  );
}

function Backtest({ of }: { of: Preview["backtest"] }): ComponentChildren {
  if (of.error) return <p class="soft">{of.error}</p>;
  if (!of.requests) return <p>{words.nobody}</p>;
  return (
    <p>
      {words.backtest(of.requests)}{" "}
      {(of.groups ?? []).map((group) => `${shown("score_group", group.score_group)}, ${shown("action", group.action)}: ${count(group.count)}`).join("; ")}
    </p>
  );
}
