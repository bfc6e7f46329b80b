// The rules of a site, in their order.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { moment } from "../format";
import { go } from "../location";
import { Card, Notice } from "../parts/card";
import { Dialog } from "../parts/dialog";
import { usePages } from "../parts/pages";
import { Locked, useRights } from "../rights";
import { ExpressionEditor } from "../rules/editor";
import { text } from "../text";
import { OtherRules } from "./other_rules";
import { type Config, type Rule } from "./shapes";
import { stage, type Step, useStaged } from "./staged";

const words = text.config.rules;

export function SiteRules({ config, zone }: { config: Config; zone: string }): ComponentChildren {
  const site = config.zones.find((each) => each.name === zone);
  const steps = useStaged().filter((step) => step.zone === zone && step.of === undefined);
  const [edited, edit] = useState<Rule | null>(null);
  const why = useRights().refusal(zone);
  const locked = Boolean(why);
  const coming = staged(steps);
  const order = steps.find((step) => step.op === "order_rules")?.refs as string[] | undefined;
  const rules = [...(site?.rules ?? []), ...coming];
  const place = (rule: Rule): number => order?.indexOf(rule.ref) ?? -1;
  if (order) rules.sort((one, other) => place(one) - place(other));
  const pages = usePages(text.config.tabs.rules, rules, worded);
  const last = rules.length - 1;
  useEffect(() => {
    if (coming.length) pages.show(last); // where what was just written stands
  }, [coming.length, site?.name]);
  if (!site) return null;
  const move = (at: number, by: number): void => {
    const refs = rules.map((rule) => rule.ref);
    const [moved] = refs.splice(at, 1);
    if (moved) refs.splice(at + by, 0, moved);
    stage({ op: "order_rules", zone, refs });
  };
  return (
    <>
      <Card
        title={`${site.name}: ${text.config.tabs.rules}`}
        actions={
          <button type="button" onClick={() => go({ page: "rules", zone, tab: "" })}>
            {words.add} →
          </button>
        }
      >
        <Locked why={why} />
        {rules.length === 0 && <Notice title={words.none} />}
        {pages.bar}
        <ol class="site-rules">
          {pages.rows.map(({ row: rule, at }) => (
            <RuleRow
              key={rule.ref}
              rule={rule}
              zone={zone}
              steps={steps}
              locked={locked}
              edit={() => edit(rule)}
              up={at > 0 ? () => move(at, -1) : null}
              down={at < last ? () => move(at, 1) : null}
            />
          ))}
        </ol>
      </Card>
      <Others title={words.leftOut} rules={site.left_out} back={locked ? null : (ref) => stage({ op: "reset_rule", zone, ref })} />
      <OtherRules site={site} locked={locked} />
      <Others title={words.presets} rules={site.preset_rules} back={null} />
      {edited && <Edit rule={edited} zone={zone} close={() => edit(null)} />}
    </>
  );
}

/** What of a rule is looked through. */
export const worded = (rule: Rule): string => `${rule.ref} ${rule.action} ${rule.description ?? ""} ${rule.expression}`;

/** Rules that wait to be added. */
function staged(steps: Step[]): Rule[] {
  return steps
    .filter((step) => step.op === "add_rule")
    .map((step) => ({ enabled: true, shadow: false, from: "added", ...(step.rule as Omit<Rule, "enabled" | "shadow">) }));
}

interface RowProps {
  rule: Rule;
  zone: string;
  steps: Step[];
  locked: boolean;
  edit: () => void;
  up: (() => void) | null;
  down: (() => void) | null;
}

function RuleRow({ rule, zone, steps, locked, edit, up, down }: RowProps): ComponentChildren {
  const change = steps.find((step) => step.op === "change_rule" && step.ref === rule.ref);
  const gone = steps.some((step) => (step.op === "remove_rule" || step.op === "remove_exception") && step.ref === rule.ref);
  const now: Rule = { ...rule, ...(change?.rule as Partial<Rule> | undefined) };
  const set = (changes: Partial<Rule>): void => stage({ op: "change_rule", zone, ref: rule.ref, rule: changes });
  const fixed = locked || rule.from === "exception" || gone;
  return (
    <li class={`site-rule ${change || gone ? "waiting-change" : ""} ${gone ? "gone" : ""}`}>
      <div class="site-rule-head">
        <strong>{rule.ref}</strong> <span class={`badge ${now.action === "block" ? "wrong" : "plain"}`}>{now.action.replaceAll("_", " ")}</span>
        {rule.from && rule.from !== "file" && <span class="badge good">{words.from[rule.from] ?? rule.from}</span>}
        {rule.until && <span class="soft">{words.until(moment(rule.until))}</span>}
        {now.description && <span class="soft">{now.description}</span>}
      </div>
      <code>{now.expression}</code>
      <div class="site-rule-foot">
        <label class="check">
          <input type="checkbox" checked={now.enabled} disabled={fixed} onChange={(event) => set({ enabled: event.currentTarget.checked })} />
          {words.enabled}
        </label>
        <label class="check" title={words.shadowHint}>
          <input type="checkbox" checked={now.shadow} disabled={fixed} onChange={(event) => set({ shadow: event.currentTarget.checked })} />
          {words.shadow}
        </label>
        <span class="site-rule-buttons">
          <button type="button" class="quiet" disabled={fixed} onClick={edit}>
            {words.edit}
          </button>
          {rule.from === "changed" && (
            <button type="button" class="quiet" disabled={fixed} onClick={() => stage({ op: "reset_rule", zone, ref: rule.ref })}>
              {words.reset}
            </button>
          )}
          <button
            type="button"
            class="quiet"
            disabled={locked || gone}
            onClick={() => stage({ op: rule.from === "exception" ? "remove_exception" : "remove_rule", zone, ref: rule.ref })}
          >
            {words.remove}
          </button>
          <button type="button" class="quiet" disabled={!up || locked} aria-label={words.up(rule.ref)} onClick={() => up?.()}>
            ↑
          </button>
          <button type="button" class="quiet" disabled={!down || locked} aria-label={words.down(rule.ref)} onClick={() => down?.()}>
            ↓
          </button>
        </span>
      </div>
    </li>
  );
}

function Others({ title, rules, back }: { title: string; rules: Rule[]; back: ((ref: string) => void) | null }): ComponentChildren {
  const pages = usePages(title, rules, worded);
  if (!rules.length) return null;
  return (
    <Card title={title}>
      {pages.bar}
      <ul class="site-rules">
        {pages.rows.map(({ row: rule }) => (
          <li class="site-rule" key={rule.ref}>
            <div class="site-rule-head">
              <strong>{rule.ref}</strong> <span class="badge plain">{rule.action.replaceAll("_", " ")}</span>
              {!rule.enabled && <span class="badge">{words.off}</span>}
              {rule.description && <span class="soft">{rule.description}</span>}
              {back && (
                <button type="button" class="quiet" onClick={() => back(rule.ref)}>
                  {words.reset}
                </button>
              )}
            </div>
            {back ? (
              <code>{rule.expression}</code>
            ) : (
              <details>
                <summary>{words.expression}</summary>
                <code>{rule.expression}</code>
              </details>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Edit({ rule, zone, close }: { rule: Rule; zone: string; close: () => void }): ComponentChildren {
  const [expression, setExpression] = useState(rule.expression);
  const [action, setAction] = useState(rule.action);
  const [description, setDescription] = useState(rule.description ?? "");
  const submit = (event: Event): void => {
    event.preventDefault();
    const changes: Record<string, unknown> = {};
    if (expression !== rule.expression) changes.expression = expression;
    if (action !== rule.action) changes.action = action;
    if (description !== (rule.description ?? "")) changes.description = description || null;
    if (Object.keys(changes).length) stage({ op: "change_rule", zone, ref: rule.ref, rule: changes });
    close();
  };
  return (
    <Dialog title={rule.ref} close={close}>
      <form class="edit" onSubmit={submit}>
        <label class="field column">
          <span>{words.description}</span>
          <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
        </label>
        <ExpressionEditor id="rule-expression" value={expression} set={setExpression} rows={6} />
        <label class="field column">
          <span>{words.action}</span>
          <select value={action} onChange={(event) => setAction(event.currentTarget.value)}>
            {[...new Set([...Object.keys(text.rules.actions), "skip", "allow", rule.action])].map((each) => (
              <option key={each} value={each}>
                {each.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        </label>
        <div class="buttons">
          <button type="submit" class="primary">
            {words.done}
          </button>
          <button type="button" onClick={close}>
            {text.config.stage.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
