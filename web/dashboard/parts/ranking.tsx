// Values and how often each was there; a click looks at one alone or leaves it out.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Answer, type Table, useTable } from "../answers";
import { type Condition, exclude, has, include, LISTS, type Value } from "../filter";
import { count, percent } from "../format";
import { current, go, type View } from "../location";
import { fieldName, text } from "../text";
import { COLOURS, shown } from "../values";
import { Approximate, States } from "./card";

export interface Ranked {
  value: Value;
  number: number;
}

interface RowsProps {
  field: string;
  rows: Ranked[];
  all: number;
  coloured?: boolean;
  still?: boolean; // values that no filter knows
  extra?: (row: Ranked) => ComponentChildren;
}

/** One row for each value. */
export function Rows({ field, rows, all, coloured = false, still = false, extra }: RowsProps): ComponentChildren {
  const most = Math.max(1, ...rows.map((row) => row.number));
  const operator = LISTS.has(field) ? "has" : "eq";
  const { filter } = current();
  return (
    <ul class="ranking">
      {rows.map((row) => {
        const words = shown(field, row.value);
        const name = coloured ? (COLOURS[String(row.value)] ?? "likely-human") : "plain";
        return (
          <li key={String(row.value)}>
            <i class={`meter ${name}`} style={{ width: `${(row.number / most) * 100}%` }} aria-hidden="true" />
            {still && <span class="value">{words}</span>}
            {!still && <button
              type="button"
              class="value"
              title={words}
              aria-pressed={has(filter, field, operator, row.value)}
              aria-label={text.values.include(words)}
              onClick={() => go({ filter: include(current().filter, field, row.value) })}
            >
              <span>{words}</span>
            </button>}
            {extra?.(row)}
            {!still && <button
              type="button"
              class="leave"
              title={text.values.exclude(words)}
              aria-label={text.values.exclude(words)}
              onClick={() => go({ filter: exclude(current().filter, field, row.value) })}
            >
              <span aria-hidden="true">−</span>
            </button>}
            <span class="number">{count(row.number)}</span>
            <span class="share">{percent(row.number, all)}</span>
          </li>
        );
      })}
    </ul>
  );
}

interface Props {
  field: string;
  view: View;
  all: number;
  filter?: Condition[];
  limit?: number;
}

/** The most frequent values of a field. */
export function Ranking({ field, view, all, filter = view.filter, limit = 7 }: Props): ComponentChildren {
  const [many, setMany] = useState(false);
  const answer: Answer<Table> = useTable("top", view, { field, limit: String(many ? 50 : limit) }, filter);
  const more = answer.data !== null && (many || answer.data.rows.length >= limit);
  return (
    <section class="ranking-box" aria-label={fieldName(field)} aria-busy={answer.loading} data-field={field}>
      <h3>
        {fieldName(field)} <Approximate of={answer.data} />
      </h3>
      <States of={answer} empty={(table) => table.rows.length === 0} hint="">
        {(table) => (
          <Rows field={field} all={all} rows={table.rows.map((row) => ({ value: row[0] as Value, number: Number(row[1]) }))} />
        )}
      </States>
      {more && (
        <button type="button" class="quiet" onClick={() => setMany(!many)}>
          {many ? text.analytics.less : text.analytics.more}
        </button>
      )}
    </section>
  );
}
