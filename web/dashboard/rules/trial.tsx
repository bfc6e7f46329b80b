// What a rule would have done with recorded requests, and to whom.
import { type ComponentChildren } from "preact";
import { count, moment, percent } from "../format";
import { go } from "../location";
import { text } from "../text";
import { Score } from "../values";

export interface Tried {
  judged: number;
  matched: number;
  unjudgeable: number;
  changed?: number;
  scanned: number;
  sampled?: boolean;
  since: number; // seconds since 1970
  by: Record<string, [string, number][]>;
  harm: Record<string, number>;
  samples: Record<string, string | number>[];
}

/** Values that an expression can spare, by what they are in a filter. */
const SPARED: Record<string, string> = { path: "path", user_agent: "user_agent", client_ip: "client_ip", country: "client_country" };

interface Props {
  tried: Tried;
  stale: boolean;
  spare: (field: string, value: string) => void;
}

export function Trial({ tried, stale, spare }: Props): ComponentChildren {
  const words = text.rules;
  const all = tried.judged + tried.unjudgeable;
  const hurt = Object.entries(tried.harm).filter(([, number]) => number > 0);
  const tiles: [string, number, string][] = [
    [words.judged, tried.judged, percent(tried.judged, all)],
    [words.matched, tried.matched, percent(tried.matched, tried.judged)],
    [words.changed, tried.changed ?? tried.matched, percent(tried.changed ?? tried.matched, tried.judged)],
    [words.unjudgeable, tried.unjudgeable, tried.unjudgeable ? words.unjudgeableHint : percent(0, all)],
  ];
  return (
    <div class={`trial ${stale ? "stale" : ""}`} role="status">
      {stale && <p class="warning">{words.stale}</p>}
      {tried.sampled && <p class="warning">{words.sampled(count(tried.scanned), moment(tried.since))}</p>}
      <ul class="tiles four">
        {tiles.map(([name, number, note]) => (
          <li key={name}>
            <div class="tile">
              <span class="tile-name">{name}</span>
              <span class="tile-number">{count(number)}</span>
              <span class="tile-note">{note}</span>
            </div>
          </li>
        ))}
      </ul>
      {hurt.length ? (
        <div class="warning">
          <strong>{words.harmTitle}</strong>
          {hurt.map(([name, number]) => (
            <div key={name}>
              {count(number)} {words.harm[name] ?? name.replaceAll("_", " ")}
            </div>
          ))}
        </div>
      ) : (
        <p class="fine">{words.noHarm}</p>
      )}
      <div class="tops">
        {Object.entries(tried.by)
          .filter(([, rows]) => rows.length)
          .map(([name, rows]) => (
            <section class="ranking-box" key={name} data-field={name}>
              <h3>{words.by[name] ?? name}</h3>
              <ul class="ranking flat">
                {rows.slice(0, 7).map(([value, number]) => (
                  <li key={value}>
                    <i
                      class="meter plain"
                      style={{ width: `${(number / Math.max(1, rows[0]?.[1] ?? 1)) * 100}%` }}
                      aria-hidden="true"
                    />
                    <span class="value" title={value}>
                      {(name === "score_group" ? text.groups[value] : value) || (name === "country" ? text.values.unknown : text.values.empty)}
                    </span>
                    {SPARED[name] && value && (
                      <button
                        type="button"
                        class="leave"
                        title={words.spare(value)}
                        aria-label={words.spare(value)}
                        onClick={() => spare(SPARED[name] ?? "", value)}
                      >
                        <span aria-hidden="true">−</span>
                      </button>
                    )}
                    <span class="number">{count(number)}</span>
                    <span class="share">{percent(number, tried.matched)}</span>
                  </li>
                ))}
              </ul>
            </section>
          ))}
      </div>
      {tried.samples.length > 0 && (
        <details>
          <summary>{words.samples}</summary>
          <ul class="samples">
            {tried.samples.map((each) => (
              <li key={each.ray}>
                <button type="button" class="quiet" onClick={() => go({ ray: String(each.ray) })}>
                  {String(each.ray)}
                </button>{" "}
                <Score value={Number(each.score ?? 0)} group={String(each.score_group)} /> <strong>{each.method}</strong> {each.host}
                {each.path} <span class="soft">{each.user_agent}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
