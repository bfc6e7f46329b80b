// What stands beside the rules of a site: rate limits, and who is let in or kept out by address or by user agent.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { duration } from "../format";
import { Card } from "../parts/card";
import { Dialog } from "../parts/dialog";
import { usePages } from "../parts/pages";
import { ExpressionEditor } from "../rules/editor";
import { text } from "../text";
import { type Access, type Limit, type Other, type OtherKind, type Zone } from "./shapes";
import { stage, type Step, useStaged } from "./staged";

const words = text.config.others;
const PERIODS = [10, 60, 120, 300, 600, 3600];
const TIMEOUTS = [0, 10, 60, 120, 300, 600, 3600, 86_400];
const ACTIONS = ["block", "js_challenge", "managed_challenge", "challenge", "log"];
const MODES: Record<"access_rules" | "user_agent_rules", string[]> = {
  access_rules: ["allow", "block", "js_challenge", "managed_challenge", "challenge"],
  user_agent_rules: ["block", "js_challenge", "managed_challenge", "challenge"],
};
const TARGETS: Record<"access_rules" | "user_agent_rules", string[]> = {
  access_rules: ["ip", "ip_range", "asn", "country"],
  user_agent_rules: ["ua"],
};

const spaced = (word: string): string => word.replaceAll("_", " ");

export function OtherRules({ site, locked }: { site: Zone; locked: boolean }): ComponentChildren {
  return (
    <>
      {(["rate_limits", "access_rules", "user_agent_rules"] as const).map((kind) => (
        <Kind key={kind} kind={kind} site={site} locked={locked} />
      ))}
    </>
  );
}

function Kind({ kind, site, locked }: { kind: OtherKind; site: Zone; locked: boolean }): ComponentChildren {
  const steps = useStaged().filter((step) => step.zone === site.name && step.of === kind);
  const [edited, edit] = useState<Other | "new" | null>(null);
  const coming = steps
    .filter((step) => step.op === "add_rule")
    .map((step) => ({ enabled: true, shadow: false, from: "added", ...(step.rule as object) }) as unknown as Other);
  const all = [...(site[kind] ?? []), ...coming];
  const out = site[`${kind}_left_out`] ?? [];
  const pages = usePages(words.titles[kind], all, worded);
  if (locked && !all.length && !out.length) return null;
  return (
    <Card
      title={words.titles[kind]}
      actions={
        <button type="button" disabled={locked} onClick={() => edit("new")}>
          {words.add[kind]}
        </button>
      }
    >
      {all.length === 0 && <p class="soft">{words.none[kind]}</p>}
      {pages.bar}
      <ul class="site-rules">
        {pages.rows.map(({ row: rule }) => (
          <Row key={nameOf(rule)} kind={kind} rule={rule} zone={site.name} steps={steps} locked={locked} edit={() => edit(rule)} />
        ))}
      </ul>
      {out.map((rule) => (
        <p class="soft" key={nameOf(rule)}>
          {text.config.rules.leftOut}: <strong>{nameOf(rule)}</strong>{" "}
          <button
            type="button"
            class="quiet"
            disabled={locked}
            onClick={() => stage({ op: "reset_rule", of: kind, zone: site.name, ref: nameOf(rule) })}
          >
            {text.config.rules.reset}
          </button>
        </p>
      ))}
      {edited !== null && (
        <Dialog title={edited === "new" ? words.add[kind] : nameOf(edited)} close={() => edit(null)}>
          {kind === "rate_limits" ? (
            <LimitForm zone={site.name} rule={edited === "new" ? null : (edited as Limit)} close={() => edit(null)} />
          ) : (
            <AccessForm kind={kind} zone={site.name} rule={edited === "new" ? null : (edited as Access)} close={() => edit(null)} />
          )}
        </Dialog>
      )}
    </Card>
  );
}

/** What of a rule is looked through. */
function worded(rule: Other): string {
  const what = "mode" in rule ? `${rule.mode} ${rule.configuration.value}` : `${rule.action} ${rule.expression}`;
  return `${nameOf(rule)} ${rule.description ?? ""} ${what}`;
}

/** What steps call it: an IP access rule without a ref has its value for one. */
function nameOf(rule: Other): string {
  return rule.ref || ("configuration" in rule ? rule.configuration.value : "");
}

interface RowProps {
  kind: OtherKind;
  rule: Other;
  zone: string;
  steps: Step[];
  locked: boolean;
  edit: () => void;
}

function Row({ kind, rule, zone, steps, locked, edit }: RowProps): ComponentChildren {
  const ref = nameOf(rule);
  const change = steps.find((step) => step.op === "change_rule" && step.ref === ref);
  const gone = steps.some((step) => step.op === "remove_rule" && step.ref === ref);
  const now = { ...rule, ...(change?.rule as Partial<Other> | undefined) } as Other;
  const fixed = locked || gone || steps.some((step) => step.op === "add_rule" && nameOf(step.rule as unknown as Other) === ref);
  const set = (changes: Record<string, unknown>): void => stage({ op: "change_rule", of: kind, zone, ref, rule: changes });
  const does = "mode" in now ? now.mode : now.action;
  return (
    <li class={`site-rule ${change || gone ? "waiting-change" : ""} ${gone ? "gone" : ""}`}>
      <div class="site-rule-head">
        <strong>{ref}</strong> <span class={`badge ${does === "block" ? "wrong" : does === "allow" ? "good" : "plain"}`}>{spaced(does)}</span>
        {rule.from !== "file" && <span class="badge good">{text.config.rules.from[rule.from] ?? rule.from}</span>}
        {now.description && <span class="soft">{now.description}</span>}
      </div>
      {"ratelimit" in now ? (
        <>
          <code>{now.expression}</code>
          <p>{limited(now)}</p>
        </>
      ) : (
        now.configuration.value !== ref && <code>{now.configuration.value}</code>
      )}
      <div class="site-rule-foot">
        <label class="check">
          <input type="checkbox" checked={now.enabled} disabled={fixed} onChange={(event) => set({ enabled: event.currentTarget.checked })} />
          {text.config.rules.enabled}
        </label>
        <label class="check" title={text.config.rules.shadowHint}>
          <input type="checkbox" checked={now.shadow} disabled={fixed} onChange={(event) => set({ shadow: event.currentTarget.checked })} />
          {text.config.rules.shadow}
        </label>
        <span class="site-rule-buttons">
          <button type="button" class="quiet" disabled={fixed} onClick={edit}>
            {text.config.rules.edit}
          </button>
          {rule.from === "changed" && (
            <button type="button" class="quiet" disabled={fixed} onClick={() => stage({ op: "reset_rule", of: kind, zone, ref })}>
              {text.config.rules.reset}
            </button>
          )}
          <button type="button" class="quiet" disabled={fixed} onClick={() => stage({ op: "remove_rule", of: kind, zone, ref })}>
            {text.config.rules.remove}
          </button>
        </span>
      </div>
    </li>
  );
}

function limited({ ratelimit: limit }: Limit): string {
  const by = limit.characteristics.filter((each) => each !== "cf.colo.id").join(", ");
  const most =
    limit.requests_per_period === undefined
      ? words.score(limit.score_per_period ?? 0, duration(limit.period))
      : words.most(limit.requests_per_period, duration(limit.period));
  return `${most} ${words.by(by)} ${limit.mitigation_timeout ? words.then(duration(limit.mitigation_timeout)) : words.throttled}`;
}

function LimitForm({ zone, rule, close }: { zone: string; rule: Limit | null; close: () => void }): ComponentChildren {
  const before = rule?.ratelimit;
  const [name, setName] = useState(rule?.ref ?? "");
  const [expression, setExpression] = useState(rule?.expression ?? 'http.request.uri.path eq "/login"');
  const [action, setAction] = useState(rule?.action ?? "block");
  const [most, setMost] = useState(before?.requests_per_period ?? 10);
  const [period, setPeriod] = useState(before?.period ?? 60);
  const [timeout, setTimeout_] = useState(before?.mitigation_timeout ?? 600);
  const [by, setBy] = useState((before?.characteristics ?? ["ip.src"]).join("\n"));
  const scored = before !== undefined && before.requests_per_period === undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    const characteristics = by.split("\n").map((line) => line.trim()).filter(Boolean);
    const counted = scored ? {} : { requests_per_period: most };
    const ratelimit = { ...before, characteristics, period, mitigation_timeout: timeout, ...counted };
    const made = { expression, action, ratelimit };
    stage(
      rule
        ? { op: "change_rule", of: "rate_limits", zone, ref: rule.ref, rule: made }
        : { op: "add_rule", of: "rate_limits", zone, rule: { ref: name, ...made } },
    );
    close();
  };
  return (
    <form class="edit" onSubmit={submit}>
      {!rule && <Name value={name} set={setName} />}
      <ExpressionEditor id="limit-expression" value={expression} set={setExpression} rows={4} />
      <div class="bar-row">
        {!scored && (
          <label class="field">
            <span>{words.requests}</span>
            <input type="number" min={1} required value={most} onInput={(event) => setMost(Number(event.currentTarget.value))} />
          </label>
        )}
        <Lengths label={words.period} values={PERIODS} value={period} set={setPeriod} />
        <Choice label={text.config.rules.action} values={ACTIONS} value={action} set={setAction} />
        <Lengths label={words.timeout} values={TIMEOUTS} value={timeout} set={setTimeout_} />
      </div>
      <label class="field column">
        <span>{words.characteristics}</span>
        <textarea class="code" rows={3} spellcheck={false} required value={by} onInput={(event) => setBy(event.currentTarget.value)} />
      </label>
      <Buttons close={close} />
    </form>
  );
}

interface AccessFormProps {
  kind: "access_rules" | "user_agent_rules";
  zone: string;
  rule: Access | null;
  close: () => void;
}

function AccessForm({ kind, zone, rule, close }: AccessFormProps): ComponentChildren {
  const [name, setName] = useState("");
  const [target, setTarget] = useState(rule?.configuration.target ?? TARGETS[kind][0] ?? "");
  const [value, setValue] = useState(rule?.configuration.value ?? "");
  const [mode, setMode] = useState(rule?.mode ?? "block");
  const [why, setWhy] = useState(rule?.description ?? "");
  const submit = (event: Event): void => {
    event.preventDefault();
    const about = why ? { description: why } : {};
    if (rule) stage({ op: "change_rule", of: kind, zone, ref: nameOf(rule), rule: { mode, description: why || null } });
    else {
      const named = kind === "user_agent_rules" ? { ref: name } : {};
      stage({ op: "add_rule", of: kind, zone, rule: { ...named, mode, configuration: { target, value: value.trim() }, ...about } });
    }
    close();
  };
  return (
    <form class="edit" onSubmit={submit}>
      {!rule && kind === "user_agent_rules" && <Name value={name} set={setName} />}
      {!rule && (
        <div class="bar-row">
          {kind === "access_rules" && <Choice label={words.target} values={TARGETS[kind]} value={target} set={setTarget} named={words.targets} />}
          <label class="field">
            <span>{words.value}</span>
            <input required value={value} placeholder={words.examples[target]} onInput={(event) => setValue(event.currentTarget.value)} />
          </label>
        </div>
      )}
      <Choice label={text.config.rules.action} values={MODES[kind]} value={mode === "whitelist" ? "allow" : mode} set={setMode} />
      <label class="field column">
        <span>{text.config.rules.description}</span>
        <input maxLength={500} value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
      </label>
      <Buttons close={close} />
    </form>
  );
}

function Name({ value, set }: { value: string; set: (value: string) => void }): ComponentChildren {
  return (
    <label class="field column">
      <span>{text.rules.name}</span>
      <input required pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" maxLength={64} value={value} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}

interface ChoiceProps<T> {
  label: string;
  values: T[];
  value: T;
  set: (value: T) => void;
}

function Choice({ label, values, value, set, named }: ChoiceProps<string> & { named?: Record<string, string> }): ComponentChildren {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        {values.map((each) => (
          <option key={each} value={each}>
            {named?.[each] ?? spaced(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Lengths({ label, values, value, set }: ChoiceProps<number>): ComponentChildren {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => set(Number(event.currentTarget.value))}>
        {[...new Set([...values, value])].map((each) => (
          <option key={each} value={each}>
            {each ? duration(each) : words.throttle}
          </option>
        ))}
      </select>
    </label>
  );
}

function Buttons({ close }: { close: () => void }): ComponentChildren {
  return (
    <div class="buttons">
      <button type="submit" class="primary">
        {text.config.rules.done}
      </button>
      <button type="button" onClick={close}>
        {text.config.stage.cancel}
      </button>
    </div>
  );
}
