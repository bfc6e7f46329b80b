// A rule as it is written, its trial on recorded requests, and where it goes.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, send } from "../api";
import { stage } from "../config/staged";
import { written, yaml } from "../expression";
import { type Condition } from "../filter";
import { go, type View } from "../location";
import { Card } from "../parts/card";
import { CopyButton } from "../parts/drawer";
import { useRights } from "../rights";
import { fieldName, text } from "../text";
import { type Draft } from "./draft";
import { type Tried, Trial } from "./trial";

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

export function Writer({ view, zones, given }: { view: View; zones: string[]; given: Draft | null }): ComponentChildren {
  const words = text.rules;
  const [spared, spare] = useState({ verified: true, statics: true });
  const [from, setFrom] = useState(view.filter.length ? "filter" : "automated");
  const filter = PRESETS[from] ?? view.filter;
  const made = written(filter, spared);
  const [expression, setExpression] = useState(made.text);
  const [action, setAction] = useState("managed_challenge");
  const [name, setName] = useState("challenge-automated");
  const [tried, setTried] = useState<Tried | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [chosen, choose] = useState("");
  const zone = view.zone || chosen || (zones.length === 1 ? (zones[0] ?? "") : "");
  const why = useRights().refusal(zone || null);
  const key = JSON.stringify([filter, spared, from]);
  useEffect(() => {
    setExpression(made.text);
    setTried(null);
    setFailure(null);
  }, [key]);
  useEffect(() => {
    if (!given) return;
    setExpression(given.expression);
    setAction(given.action);
    setName(given.name);
    setTried(null);
    setFailure(null);
    document.getElementById("expression")?.focus();
  }, [given]);
  const simulate = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const body = {
        expression,
        action,
        since: view.since,
        ...(view.until ? { until: view.until } : {}),
        ...(view.zone ? { zone: view.zone } : {}),
      };
      setTried(await send<Tried>("POST", "/api/simulate", body));
    } catch (error) {
      setTried(null);
      setFailure(error instanceof Failure ? error : new Failure(0, String(error)));
    }
    setBusy(false);
  };
  return (
    <Card title={words.write} busy={busy} class="writer">
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
      <label class="field column">
        <span>{words.expression}</span>
        <textarea
          id="expression"
          class="code"
          rows={Math.max(4, expression.split("\n").length + 1)}
          spellcheck={false}
          value={expression}
          aria-invalid={failure?.status === 400}
          aria-describedby={failure ? "expression-error" : undefined}
          onInput={(event) => setExpression(event.currentTarget.value)}
        />
      </label>
      {failure && (
        <div class="notice trouble left" role="alert" id="expression-error">
          <p class="notice-title">{failure.status === 400 ? words.error : text.states.failed}</p>
          <p class="pre">{failure.status === 404 && !failure.message.includes("zone") ? words.noSimulate : failure.message}</p>
        </div>
      )}
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
        <button type="button" class="primary" disabled={busy || !expression.trim()} onClick={simulate}>
          {words.simulate}
        </button>
        {busy && <span class="soft">{words.simulating}</span>}
      </div>
      {tried && <Trial tried={tried} />}
      <details open={tried !== null}>
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

const flat = (expression: string): string => expression.split("\n").map((line) => line.trim()).join(" ");
