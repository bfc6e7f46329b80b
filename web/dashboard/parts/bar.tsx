// The bar above every chart: site, range, live, refresh, and the filter in force.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { refresh } from "../answers";
import { type Condition, LISTS, type Value } from "../filter";
import { moment } from "../format";
import { current, DAY, go, spanned, type View } from "../location";
import { fieldName, text } from "../text";
import { worded } from "../values";

const OPPOSITE: Record<string, string> = {
  eq: "neq",
  neq: "eq",
  has: "hasnot",
  hasnot: "has",
  like: "notlike",
  notlike: "like",
  in: "notin",
  notin: "in",
};
const HANDY = [
  ...["path", "user_agent", "client_ip", "client_asn", "client_country", "host", "method", "status", "score_group"],
  ...["score_source", "js_detection", "verified_bot_category", "detection_ids", "detection_tags", "ja4", "ja3"],
  ...["action", "would", "rule_id", "browser", "os", "device", "referer_host", "protocol", "cloud", "static_resource", "mode"],
];
const NUMBERS = new Set(["client_asn", "status", "detection_ids", "score"]);
const BOOLEANS = new Set(["static_resource"]);

export function Bar({ view, zones }: { view: View; zones: string[] }): ComponentChildren {
  useLive(view);
  return (
    <div class="bar" role="region" aria-label={text.bar.label}>
      <div class="bar-row">
        {zones.length > 1 && (
          <label class="field">
            <span>{text.bar.zone}</span>
            <select value={view.zone} onChange={(event) => go({ zone: event.currentTarget.value })}>
              <option value="">{text.bar.allZones}</option>
              {zones.map((zone) => (
                <option key={zone} value={zone}>
                  {zone}
                </option>
              ))}
            </select>
          </label>
        )}
        <Ranges view={view} />
        <div class="bar-end">
          <label class="check" title={text.bar.liveHint}>
            <input
              type="checkbox"
              checked={view.live}
              disabled={view.until > 0}
              onChange={(event) => go({ live: event.currentTarget.checked })}
            />
            {text.bar.live}
            {view.live && <i class="pulse" aria-hidden="true" />}
          </label>
          <button type="button" onClick={refresh}>
            {text.bar.refresh}
          </button>
        </div>
      </div>
      <Filters view={view} />
    </div>
  );
}

function useLive(view: View): void {
  const every = view.live && !view.until ? (spanned(view) <= 3600 ? 3_000 : spanned(view) <= DAY ? 10_000 : 60_000) : 0;
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => document.hidden || refresh(), every);
    return () => clearInterval(timer);
  }, [every]);
}

function Ranges({ view }: { view: View }): ComponentChildren {
  const custom = view.since > 0;
  return (
    <div class="ranges" role="group" aria-label={text.bar.range}>
      {text.bar.ranges.map(([seconds, label]) => (
        <button
          type="button"
          key={seconds}
          aria-pressed={!custom && view.since === -seconds}
          onClick={() => go({ since: -seconds, until: 0 })}
        >
          {label}
        </button>
      ))}
      {custom && (
        <button type="button" aria-pressed="true" title={text.bar.leaveCustom} onClick={() => go({ ranged: false })}>
          {text.bar.custom(moment(view.since), moment(view.until || Date.now() / 1000))} <span aria-hidden="true">✕</span>
        </button>
      )}
    </div>
  );
}

/** A range of scores is one thing to people, and two conditions. */
function together(filter: Condition[]): { words: string; parts: Condition[]; turned: Condition | null }[] {
  const low = filter.find(([field, word]) => field === "score" && word === "geq");
  const high = filter.find(([field, word]) => field === "score" && word === "leq");
  const rest = filter.filter((each) => !(low && high && (each === low || each === high)));
  const chips = rest.map((each) => {
    const turned = OPPOSITE[each[1]];
    return { words: worded(each), parts: [each], turned: turned ? ([each[0], turned, each[2]] as Condition) : null };
  });
  if (!low || !high) return chips;
  return [{ words: text.analytics.chosen(Number(low[2]), Number(high[2])), parts: [low, high], turned: null }, ...chips];
}

function Filters({ view }: { view: View }): ComponentChildren {
  const [adding, add] = useState(false);
  const chips = together(view.filter);
  return (
    <div class="filters" role="group" aria-label={text.bar.filters}>
      {chips.length === 0 && !adding && <span class="soft">{text.bar.noFilters}</span>}
      {chips.map(({ words, parts, turned }) => (
        <span class="chip" key={words}>
          {turned ? (
            <button
              type="button"
              title={text.bar.invert(words)}
              aria-label={text.bar.invert(words)}
              onClick={() => go({ filter: current().filter.map((each) => (each === parts[0] ? turned : each)) })}
            >
              {words}
            </button>
          ) : (
            <span>{words}</span>
          )}
          <button
            type="button"
            class="chip-x"
            aria-label={text.bar.remove(words)}
            onClick={() => go({ filter: current().filter.filter((each) => !parts.includes(each)) })}
          >
            <span aria-hidden="true">✕</span>
          </button>
        </span>
      ))}
      {adding ? (
        <Adding done={() => add(false)} />
      ) : (
        <button type="button" class="quiet" onClick={() => add(true)}>
          + {text.bar.add}
        </button>
      )}
      {chips.length > 0 && (
        <>
          <button type="button" class="quiet" onClick={() => go({ filter: [] })}>
            {text.bar.clear}
          </button>
          {view.page !== "rules" && (
            <button type="button" class="quiet" onClick={() => go({ page: "rules", tab: "" })}>
              {text.bar.toRule} →
            </button>
          )}
        </>
      )}
    </div>
  );
}

function Adding({ done }: { done: () => void }): ComponentChildren {
  const [field, setField] = useState("path");
  const [operator, setOperator] = useState("eq");
  const [value, setValue] = useState("");
  const operators = LISTS.has(field)
    ? ["has", "hasnot"]
    : NUMBERS.has(field)
      ? ["eq", "neq", "geq", "leq"]
      : BOOLEANS.has(field)
        ? ["eq"]
        : ["eq", "neq", "like", "notlike"];
  const word = operators.includes(operator) ? operator : (operators[0] ?? "eq");
  const apply = (event: Event): void => {
    event.preventDefault();
    const number = Number(value);
    if (NUMBERS.has(field) && (value === "" || !Number.isInteger(number))) return;
    const typed: Value = NUMBERS.has(field) ? number : BOOLEANS.has(field) ? value !== text.values.no : value;
    const like = word.endsWith("like") && !value.includes("%") ? `%${value}%` : typed;
    go({ filter: [...current().filter, [field, word, like]] });
    done();
  };
  return (
    <form
      class="adding"
      onSubmit={apply}
      onKeyDown={(event) => {
        if (event.key === "Escape") done();
      }}
    >
      <select aria-label={text.bar.field} value={field} onChange={(event) => setField(event.currentTarget.value)} autofocus>
        {HANDY.map((name) => (
          <option key={name} value={name}>
            {fieldName(name)}
          </option>
        ))}
      </select>
      <select aria-label={text.bar.operator} value={word} onChange={(event) => setOperator(event.currentTarget.value)}>
        {operators.map((name) => (
          <option key={name} value={name}>
            {text.operators[name]}
          </option>
        ))}
      </select>
      {BOOLEANS.has(field) ? (
        <select aria-label={text.bar.value} value={value} onChange={(event) => setValue(event.currentTarget.value)}>
          <option>{text.values.yes}</option>
          <option>{text.values.no}</option>
        </select>
      ) : (
        <input
          aria-label={text.bar.value}
          value={value}
          inputMode={NUMBERS.has(field) ? "numeric" : "text"}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      )}
      <button type="submit" class="primary">
        {text.bar.apply}
      </button>
      <button type="button" onClick={done}>
        {text.bar.cancel}
      </button>
    </form>
  );
}
