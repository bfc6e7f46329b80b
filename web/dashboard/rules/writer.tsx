// A rule as it is written, its trial on recorded requests, and where it goes.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Failure } from "../api";
import { stage } from "../config/staged";
import { without, written, yaml } from "../expression";
import { type Condition } from "../filter";
import { count } from "../format";
import { go, type View } from "../location";
import { Card } from "../parts/card";
import { CopyButton } from "../parts/drawer";
import { useRights } from "../rights";
import { fieldName, text } from "../text";
import { type Draft } from "./draft";
import { ExpressionEditor, faultOf } from "./editor";
import { type Progress, useTrial } from "./running";
import { Trial } from "./trial";

const PRESETS: Record<string, Condition[]> = {
  automated: [
    ["score", "geq", 1],
    ["score", "leq", 1],
  ],
  likely: [
    ["score", "geq", 2],
    ["score", "leq", 29],
  ],
};

const words = text.rules;

export function Writer({ view, zones, given }: { view: View; zones: string[]; given: Draft | null }): ComponentChildren {
  const [spared, spare] = useState({ verified: true, statics: true });
  const [from, setFrom] = useState(view.filter.length ? "filter" : "automated");
  const filter = PRESETS[from] ?? view.filter;
  const made = written(filter, spared);
  const [expression, setExpression] = useState(made.text);
  const [action, setAction] = useState("managed_challenge");
  const [name, setName] = useState("challenge-automated");
  const [chosen, choose] = useState("");
  const zone = view.zone || chosen || (zones.length === 1 ? (zones[0] ?? "") : "");
  const why = useRights().refusal(zone || null);
  const key = JSON.stringify([filter, spared, from]);
  const question = { expression, action, since: view.since, until: view.until, zone: view.zone };
  const trial = useTrial(JSON.stringify(question));
  const stale = trial.of !== JSON.stringify(question);
  useEffect(() => setExpression(made.text), [key]);
  useEffect(() => {
    if (!given) return;
    setExpression(given.expression);
    setAction(given.action);
    setName(given.name);
    document.getElementById("expression")?.focus();
  }, [given]);
  const simulate = (): void => {
    const { until, zone: site, ...rest } = question;
    trial.run({ ...rest, ...(until ? { until } : {}), ...(site ? { zone: site } : {}) });
  };
  return (
    <Card title={words.write} busy={trial.busy} class="writer">
      <p class="soft">{words.writeLead}</p>
      <div class="bar-row">
        <div class="ranges" role="group" aria-label={words.presets}>
          {(["filter", "automated", "likely"] as const).map((each) => (
            <button type="button" key={each} aria-pressed={from === each} onClick={() => setFrom(each)}>
              {words.preset[each]}
            </button>
          ))}
        </div>
        <fieldset class="spare">
          <legend>{words.leaveOut}</legend>
          {(["verified", "statics"] as const).map((each) => (
            <label class="check" key={each}>
              <input
                type="checkbox"
                checked={spared[each]}
                onChange={(event) => spare({ ...spared, [each]: event.currentTarget.checked })}
              />
              {words.sparing[each]}
            </label>
          ))}
        </fieldset>
      </div>
      {made.left.length > 0 && (
        <p class="wrong">{words.cannot(made.left.map(([field]) => fieldName(field)).join(", "))}</p>
      )}
      {!expression && <p class="wrong">{words.nothing}</p>}
      <ExpressionEditor
        id="expression"
        value={expression}
        set={setExpression}
        rows={Math.max(4, expression.split("\n").length + 1)}
        found={stale ? null : faultOf(trial.failure)}
      />
      {trial.failure && !stale && <Wrong failure={trial.failure} />}
      <div class="bar-row">
        <label class="field">
          <span>{words.action}</span>
          <select value={action} onChange={(event) => setAction(event.currentTarget.value)}>
            {Object.entries(words.actions).map(([word, label]) => (
              <option key={word} value={word}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="primary" disabled={trial.busy || !expression.trim()} onClick={simulate}>
          {words.simulate}
        </button>
        {trial.busy && <Going progress={trial.progress} stop={trial.stop} />}
      </div>
      {trial.tried && <Trial tried={trial.tried} stale={stale} spare={(field, value) => setExpression(without(expression, [field, "eq", value]))} />}
      <details open={trial.tried !== null}>
        <summary>{words.yaml}</summary>
        <p class="soft">{words.yamlLead}</p>
        <div class="bar-row">
          <label class="field">
            <span>{words.name}</span>
            <input value={name} onInput={(event) => setName(event.currentTarget.value.replace(/[^A-Za-z0-9_-]/g, "-"))} />
          </label>
          <CopyButton what={yaml(name, expression, action)} />
          {!view.zone && zones.length > 1 && (
            <label class="field">
              <span>{text.config.zone}</span>
              <select value={zone} onChange={(event) => choose(event.currentTarget.value)}>
                <option value="">{words.chooseZone}</option>
                {zones.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            </label>
          )}
          <button
            type="button"
            disabled={!zone || Boolean(why) || !expression.trim() || !name}
            onClick={() => {
              stage({ op: "add_rule", zone, rule: { ref: name, expression: flat(expression), action } });
              go({ page: "configuration", tab: "rules", zone });
            }}
          >
            {words.add} →
          </button>
          <span class="soft">{why || (zone ? words.addLead : words.needZone)}</span>
        </div>
        <pre tabIndex={0}>{yaml(name, expression, action)}</pre>
      </details>
    </Card>
  );
}

function Wrong({ failure }: { failure: Failure }): ComponentChildren {
  const missing = failure.status === 404 && !failure.message.includes("zone");
  return (
    <div class="notice trouble left" role="alert">
      <p class="notice-title">{faultOf(failure) ? words.error : text.states.failed}</p>
      {!faultOf(failure) && <p class="pre">{missing ? words.noSimulate : failure.message}</p>}
    </div>
  );
}

/** How far a trial is, and a way to end it. */
function Going({ progress, stop }: { progress: Progress | null; stop: () => void }): ComponentChildren {
  return (
    <span class="going">
      <progress max={progress?.of || 1} value={progress ? progress.scanned : undefined} aria-label={words.simulating} />
      <span class="soft">
        {progress ? words.progress(count(progress.scanned), count(progress.of), count(progress.matched)) : words.simulating}
      </span>
      <button type="button" class="quiet" onClick={stop}>
        {words.stop}
      </button>
    </span>
  );
}

const flat = (expression: string): string => expression.split("\n").map((line) => line.trim()).join(" ");
