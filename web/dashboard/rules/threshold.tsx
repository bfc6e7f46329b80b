// Two thresholds on one axis: what would be blocked, what challenged, and how much of that looks like people.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAsk, useTable } from "../answers";
import { type Condition } from "../filter";
import { count, percent } from "../format";
import { asked, type View } from "../location";
import { Card, States } from "../parts/card";
import { Ranking } from "../parts/ranking";
import { text } from "../text";
import { byScore } from "../parts/distribution";
import { type Draft } from "./draft";

interface Slid {
  total: number;
  thresholds: { threshold: number; matched: number; good: number; js_detection: number; solved_challenge: number }[];
}

type Row = Slid["thresholds"][number];
const NOTHING: Row = { threshold: 1, matched: 0, good: 0, js_detection: 0, solved_challenge: 0 };
const SPARED: Condition[] = [
  ["verified_bot_category", "eq", ""],
  ["static_resource", "eq", false],
  ["score", "geq", 1],
];
const HEIGHT = 120;
const NEAR = 8;

export function Threshold({ view, write }: { view: View; write: (draft: Draft) => void }): ComponentChildren {
  const answer = useAsk<Slid>("/api/simulate/thresholds", asked(view));
  const shape = useTable("distribution", view, {}, [...view.filter, ...SPARED]);
  const [block, setBlock] = useState(2);
  const [challenge, setChallenge] = useState(30);
  const top = Math.max(block, challenge);
  const words = text.rules;
  return (
    <Card title={words.threshold} busy={answer.loading} class="threshold">
      <p class="soft">{words.thresholdLead}</p>
      <States of={answer}>
        {(slid) => {
          const at = (score: number): Row => slid.thresholds.find((row) => row.threshold === score) ?? NOTHING;
          const low = at(block);
          const high = at(top);
          return (
            <>
              <Split total={slid.total} low={low} high={high} />
              {shape.data && <Bars counts={byScore(shape.data)} block={block} challenge={top} />}
              <Thumb label={words.block} value={block} tone="automated" set={setBlock} />
              <Thumb label={words.challenge} value={challenge} tone="likely-automated" set={setChallenge} />
              <div class="buttons">
                <button type="button" disabled={block < 2} onClick={() => write(draft(1, block - 1, "block"))}>
                  {words.useBlock}
                </button>
                <button
                  type="button"
                  class="primary"
                  disabled={challenge <= block}
                  onClick={() => write(draft(Math.max(1, block), challenge - 1, "managed_challenge"))}
                >
                  {words.useChallenge}
                </button>
              </div>
              <p class="hint">{words.doubtfulHint}</p>
              <Near view={view} score={top} total={slid.total} />
            </>
          );
        }}
      </States>
    </Card>
  );
}

function draft(low: number, high: number, action: string): Draft {
  const range =
    low === high
      ? `cf.bot_management.score eq ${low}`
      : low === 1
        ? `cf.bot_management.score le ${high}`
        : `cf.bot_management.score ge ${low} and cf.bot_management.score le ${high}`;
  return {
    expression: `${range}\n  and not cf.bot_management.verified_bot\n  and not cf.bot_management.static_resource`,
    action,
    name: `${action === "block" ? "block" : "challenge"}-${low}-to-${high}`,
  };
}

function Split({ total, low, high }: { total: number; low: Row; high: Row }): ComponentChildren {
  const words = text.rules;
  const parts: [string, string, number, number][] = [
    ["automated", words.blocked, low.matched, low.good],
    ["likely-automated", words.challenged, high.matched - low.matched, high.good - low.good],
    ["likely-human", words.through, total - high.matched, 0],
  ];
  return (
    <ul class="tiles three" aria-live="polite">
      {parts.map(([colour, name, number, good]) => (
        <li key={name}>
          <div class="tile">
            <span class="tile-name">
              <i class={`dot ${colour}`} aria-hidden="true" /> {name}
            </span>
            <span class="tile-number">
              {count(number)} <small>{percent(number, total)}</small>
            </span>
            <span class={`tile-note ${good > 0 ? "wrong" : ""}`}>
              {colour === "likely-human" ? `${words.scored}: ${count(total)}` : `${count(good)} ${words.doubtful}`}
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}

function Bars({ counts, block, challenge }: { counts: number[]; block: number; challenge: number }): ComponentChildren {
  const most = Math.log1p(Math.max(1, ...counts.slice(1)));
  return (
    <svg class="score-bars still" viewBox={`0 0 990 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {counts.slice(1).map((number, index) => {
        const score = index + 1;
        const size = number ? Math.max(2, (Math.log1p(number) / most) * HEIGHT) : 0;
        const tone = score < block ? "automated" : score < challenge ? "likely-automated" : "likely-human";
        return <rect key={score} class={`fill-${tone}`} x={index * 10 + 1} width={8} y={HEIGHT - size} height={size} />;
      })}
    </svg>
  );
}

interface ThumbProps {
  label: string;
  value: number;
  tone: string;
  set: (value: number) => void;
}

function Thumb({ label, value, tone, set }: ThumbProps): ComponentChildren {
  return (
    <label class={`thumb ${tone}`}>
      <span>
        {label} <b>{value < 2 ? text.rules.off : value}</b>
      </span>
      <input
        type="range"
        min={1}
        max={99}
        value={value}
        aria-valuetext={text.rules.below(value)}
        onInput={(event) => set(Number(event.currentTarget.value))}
      />
    </label>
  );
}

function Near({ view, score, total }: { view: View; score: number; total: number }): ComponentChildren {
  const low = Math.max(1, score - NEAR);
  const high = Math.min(99, score + NEAR - 1);
  const filter: Condition[] = [
    ...view.filter.filter(([field]) => field !== "score"),
    ["verified_bot_category", "eq", ""],
    ["static_resource", "eq", false],
    ["score", "geq", low],
    ["score", "leq", high],
  ];
  return (
    <details class="near">
      <summary>{text.rules.near}</summary>
      <p class="soft">{text.rules.nearLead(low, high)}</p>
      <div class="tops">
        <Ranking field="user_agent" view={view} all={total} filter={filter} limit={5} />
        <Ranking field="path" view={view} all={total} filter={filter} limit={5} />
      </div>
    </details>
  );
}
