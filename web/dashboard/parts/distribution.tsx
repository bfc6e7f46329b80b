// Requests by score, 1 to 99, with two thumbs that choose a range.
import { type ComponentChildren } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { type Table } from "../answers";
import { compact, count, percent } from "../format";
import { text } from "../text";
import { COLOURS, groupOf } from "../values";

const LOGARITHMIC = "botproxy-logarithmic";
const HEIGHT = 150;

/** Requests by score, 0 to 99: of all groups of scores, or of one where the table tells them apart. */
export function byScore(table: Table, group?: string): number[] {
  const found = new Array<number>(100).fill(0);
  for (const row of table.rows) {
    const at = Number(row[0]);
    if (at >= 0 && at < 100 && (group === undefined || row[1] === group)) found[at]! += Number(row[row.length - 1]);
  }
  return found;
}

interface Props {
  counts: number[];
  /** Those of them that nobody judged. Their score is 50, and they are not called human. */
  unjudged: number[];
  range: [number, number];
  choose: (low: number, high: number) => void;
}

export function Distribution({ counts, unjudged, range, choose }: Props): ComponentChildren {
  const [low, setLow] = useState(range[0]);
  const [high, setHigh] = useState(range[1]);
  const [logarithmic, setLogarithmic] = useState(localStorage.getItem(LOGARITHMIC) === "1");
  const [over, setOver] = useState(0);
  useLayoutEffect(() => {
    // At once: an effect after the next frame would take back what a quick hand chose meanwhile.
    setLow(range[0]);
    setHigh(range[1]);
  }, [range[0], range[1]]);
  const scored = counts.slice(1);
  const all = scored.reduce((sum, one) => sum + one, 0);
  const chosen = counts.slice(low, high + 1).reduce((sum, one) => sum + one, 0);
  const most = Math.max(1, ...scored);
  const tall = (number: number): number => {
    if (!number) return 0;
    const part = logarithmic ? Math.log1p(number) / Math.log1p(most) : number / most;
    return Math.max(1.5, part * (HEIGHT - 14));
  };
  const finish = (): void => choose(low, high);
  return (
    <div class="distribution">
      <div class="distribution-head">
        <p aria-live="polite">
          <strong>{text.analytics.chosen(low, high)}</strong>: {text.requests(chosen)}{" "}
          <span class="soft">({percent(chosen, all)})</span>
        </p>
        <label class="check">
          <input
            type="checkbox"
            checked={logarithmic}
            onChange={(event) => {
              setLogarithmic(event.currentTarget.checked);
              localStorage.setItem(LOGARITHMIC, event.currentTarget.checked ? "1" : "0");
            }}
          />
          {text.analytics.logarithmic}
        </label>
      </div>
      <div class="bars-frame">
        <svg
          class="score-bars"
          viewBox={`0 0 990 ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${text.analytics.distribution}: ${text.requests(all)}`}
          onPointerLeave={() => setOver(0)}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setOver(Math.min(99, Math.max(1, Math.floor(((event.clientX - box.left) / box.width) * 99) + 1)));
          }}
          onClick={() => over && choose(over, over)}
        >
          <line x1="0" x2="990" y1="14" y2="14" class="rule" />
          {scored.map((number, index) => {
            const score = index + 1;
            const size = tall(number);
            const name = COLOURS[groupOf(score)] ?? "other";
            const state = `${score < low || score > high ? " out" : ""}${over === score ? " over" : ""}`;
            const grey = number ? (size * (unjudged[score] ?? 0)) / number : 0;
            const bar = { x: index * 10 + 1, width: 8 };
            return (
              <g key={score}>
                <rect class={`fill-${name}${state}`} {...bar} y={HEIGHT - size} height={size - grey} />
                {grey > 0 && <rect class={`fill-other${state}`} {...bar} y={HEIGHT - grey} height={grey} />}
              </g>
            );
          })}
        </svg>
        <span class="bars-most" aria-hidden="true">
          {compact(most)}
        </span>
        {over > 0 && (
          <div class="tip small" aria-hidden="true" style={over > 50 ? { right: `${102 - over}%` } : { left: `${over + 1}%` }}>
            {text.analytics.bar(over, count(counts[over] ?? 0))}
          </div>
        )}
      </div>
      <div class="slider" role="group" aria-label={text.analytics.slider}>
        <div class="slider-track" aria-hidden="true">
          <div style={{ left: `${((low - 1) / 98) * 100}%`, right: `${((99 - high) / 98) * 100}%` }} />
        </div>
        <input
          type="range"
          min={1}
          max={99}
          value={low}
          aria-label={text.analytics.from}
          class={low > 90 ? "front" : ""}
          onInput={(event) => setLow(Math.min(Number(event.currentTarget.value), high))}
          onChange={finish}
        />
        <input
          type="range"
          min={1}
          max={99}
          value={high}
          aria-label={text.analytics.to}
          onInput={(event) => setHigh(Math.max(Number(event.currentTarget.value), low))}
          onChange={finish}
        />
      </div>
      <div class="slider-scale" aria-hidden="true">
        {[1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99].map((mark) => (
          <span key={mark} style={{ left: `${((mark - 1) / 98) * 100}%` }}>
            {mark}
          </span>
        ))}
      </div>
    </div>
  );
}
