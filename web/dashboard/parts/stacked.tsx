// A chart over time, its series on top of each other.
import { type ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { type Table } from "../answers";
import { compact, count, duration, moment, time } from "../format";
import { go } from "../location";
import { text } from "../text";
import { colour, onTheme } from "../theme";
import { COLOURS } from "../values";

const LENGTHS: Record<string, number> = {
  second: 1,
  minute: 60,
  five_minutes: 300,
  fifteen_minutes: 900,
  hour: 3600,
  day: 86_400,
};
const TURNS = ["likely-human", "likely-automated", "verified", "purple", "amber", "sky", "automated", "other"];
const HEIGHT = 260;

export interface Stack {
  step: number; // seconds
  times: number[];
  names: string[];
  values: number[][]; // by series, then time
}

/** A table of time, name and number, with 0 where nothing was. */
export function stacked(table: Table, order: string[]): Stack {
  const step = LENGTHS[table.columns[0] ?? ""] ?? 3600;
  const first = Math.floor(table.since / step) * step;
  const times: number[] = [];
  for (let at = first; at < table.until && times.length < 2000; at += step) times.push(at);
  const met = new Set(table.rows.map((row) => String(row[1])));
  const names = [...order.filter((name) => met.has(name)), ...[...met].filter((name) => !order.includes(name)).sort()];
  const values = names.map(() => times.map(() => 0));
  for (const [when, name, number] of table.rows) {
    const at = Math.round((Number(when) - first) / step);
    const line = values[names.indexOf(String(name))];
    if (line && at >= 0 && at < line.length) line[at] = (line[at] ?? 0) + Number(number);
  }
  return { step, times, names, values };
}

const paint = (name: string, at: number): string => colour(COLOURS[name] ?? TURNS[at % TURNS.length] ?? "other");
export const swatch = (name: string, at: number): string => COLOURS[name] ?? TURNS[at % TURNS.length] ?? "other";

interface Props {
  table: Table;
  order: string[];
  label: string;
  named: (name: string) => string;
  legend?: boolean;
}

export function StackedChart({ table, order, label, named, legend = false }: Props): ComponentChildren {
  const frame = useRef<HTMLDivElement>(null);
  const stack = useMemo(() => stacked(table, order), [table]);
  const [at, point] = useState<{ index: number; left: number; width: number } | null>(null);
  useEffect(() => {
    const place = frame.current;
    if (!place) return;
    let plot = draw(place, stack, point);
    const redraw = (): void => {
      plot.destroy();
      plot = draw(place, stack, point);
    };
    const undo = onTheme(redraw);
    const watch = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
    watch.observe(place);
    return () => {
      undo();
      watch.disconnect();
      plot.destroy();
    };
  }, [stack]);
  const total = stack.values.reduce((sum, line) => sum + line.reduce((all, one) => all + one, 0), 0);
  return (
    <div class="chart">
      <div
        class="plot"
        ref={frame}
        role="img"
        aria-label={`${label}: ${text.requests(total)}, ${text.analytics.per(duration(stack.step))}`}
      />
      {at && at.index < stack.times.length && <Tip stack={stack} at={at} named={named} />}
      {legend && (
        <ul class="legend">
          {stack.names.map((name, index) => (
            <li key={name}>
              <i class={`dot ${swatch(name, index)}`} aria-hidden="true" /> {named(name)}
            </li>
          ))}
        </ul>
      )}
      <p class="hint">
        {text.analytics.per(duration(stack.step))}. {text.analytics.zoom}
      </p>
      <AsTable stack={stack} label={label} named={named} />
    </div>
  );
}

interface TipProps {
  stack: Stack;
  at: { index: number; left: number; width: number };
  named: (name: string) => string;
}

function Tip({ stack, at, named }: TipProps): ComponentChildren {
  const right = at.left > at.width / 2;
  const values = stack.values.map((line) => line[at.index] ?? 0);
  return (
    <div class="tip" aria-hidden="true" style={right ? { right: `${at.width - at.left + 14}px` } : { left: `${at.left + 14}px` }}>
      <p>{when(stack, at.index)}</p>
      <table>
        <tbody>
          {stack.names.map((name, index) => (
            <tr key={name}>
              <td>
                <i class={`dot ${swatch(name, index)}`} /> {named(name)}
              </td>
              <td>{count(values[index] ?? 0)}</td>
            </tr>
          ))}
          <tr class="sum">
            <td>{text.analytics.total}</td>
            <td>{count(values.reduce((sum, one) => sum + one, 0))}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function when(stack: Stack, index: number): string {
  const seconds = stack.times[index] ?? 0;
  return stack.step < 60 ? time(seconds) : moment(seconds);
}

function AsTable({ stack, label, named }: { stack: Stack; label: string; named: (name: string) => string }): ComponentChildren {
  const [open, set] = useState(false);
  return (
    <details class="as-table" onToggle={(event) => set(event.currentTarget.open)}>
      <summary>{text.analytics.asTable}</summary>
      {open && (
        <div class="scroll" tabIndex={0} role="group" aria-label={label}>
          <table class="grid">
            <thead>
              <tr>
                <th scope="col">{text.analytics.time}</th>
                {stack.names.map((name) => (
                  <th scope="col" class="number" key={name}>
                    {named(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {stack.times.map((seconds, index) => (
                <tr key={seconds}>
                  <th scope="row">{when(stack, index)}</th>
                  {stack.values.map((line, series) => (
                    <td class="number" key={series}>
                      {count(line[index] ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

type Point = (at: { index: number; left: number; width: number } | null) => void;

function draw(place: HTMLElement, stack: Stack, point: Point): uPlot {
  const sums: number[][] = [];
  stack.values.forEach((line, index) => sums.push(line.map((value, at) => value + (sums[index - 1]?.[at] ?? 0))));
  // The newest step is as wide as the others: without an end it would be a hair at the edge.
  const times = [...stack.times, (stack.times[stack.times.length - 1] ?? 0) + stack.step];
  for (const line of sums) line.push(line[line.length - 1] ?? 0);
  const lines: uPlot.Series[] = stack.names
    .map((name, index) => ({
      stroke: paint(name, index),
      fill: paint(name, index),
      width: 1,
      points: { show: false },
      ...(uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
    }))
    .reverse();
  const soft = colour("soft");
  const line = colour("line");
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const plot: uPlot = new uPlot(
    {
      width: place.clientWidth || 600,
      height: HEIGHT,
      padding: [12, 24, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(high * 1.05, 4)] } },
      series: [{}, ...lines],
      axes: [
        { ...axis, grid: { show: false }, size: 34, space: 70, values: ticks },
        { ...axis, size: 52, values: (_plot, marks) => marks.map((mark) => (Number.isInteger(mark) ? compact(mark) : "")) },
      ],
      hooks: {
        setCursor: [
          (self) => {
            const left = self.cursor.left ?? -1;
            const shift = self.over.offsetLeft;
            const steps = Math.floor((self.posToVal(left, "x") - (stack.times[0] ?? 0)) / stack.step);
            const index = Math.max(0, Math.min(steps, stack.times.length - 1));
            point(left < 0 ? null : { index, left: left + shift, width: place.clientWidth });
          },
        ],
        setSelect: [
          (self) => {
            if (self.select.width < 8) return;
            const since = Math.floor(self.posToVal(self.select.left, "x") / stack.step) * stack.step;
            const until = Math.ceil(self.posToVal(self.select.left + self.select.width, "x") / stack.step) * stack.step;
            go({ since, until: Math.max(until, since + stack.step), live: false });
          },
        ],
      },
    },
    [times, ...sums.reverse()] as uPlot.AlignedData,
    place,
  );
  return plot;
}

function ticks(_plot: uPlot, marks: number[], _axis: number, _space: number, step: number): string[] {
  const two = (number: number): string => String(number).padStart(2, "0");
  return marks.map((mark) => {
    const date = new Date(mark * 1000);
    const day = date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
    if (step >= 86_400) return day;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (step < 60) return `${clock}:${two(date.getSeconds())}`;
    return clock === "00:00" ? day : clock;
  });
}
