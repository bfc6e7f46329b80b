// Long lists: a page at a time, and those with some words, so that every item can be reached.
import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../format";
import { text } from "../text";

const words = text.pages_of;
const PAUSE = 250; // milliseconds after which what is typed is looked for

interface Props {
  what: string; // the list's name
  from: number; // of the first that is shown
  size: number;
  total: number;
  find: string;
  turn: (from: number) => void;
  look: (find: string) => void;
}

/** The bar above a list; nothing where all of it is shown anyway. */
export function Pages({ what, from, size, total, find, turn, look }: Props): ComponentChildren {
  const [typed, type] = useState(find);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (find !== typed.trim()) type(find); // looked for from elsewhere
  }, [find]);
  useEffect(() => {
    if (total && from >= total) turn(Math.floor((total - 1) / size) * size); // what was here is done
  }, [from, total]);
  if (total <= size && !find && !typed) return null;
  const last = Math.min(from + size, total);
  return (
    <div class="pages" role="group" aria-label={what}>
      <input
        type="search"
        aria-label={words.find(what)}
        placeholder={words.placeholder}
        value={typed}
        onInput={(event) => {
          const now = event.currentTarget.value;
          type(now);
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => look(now.trim()), PAUSE);
        }}
      />
      <span class="soft" role="status">
        {total ? words.shown(count(from + 1), count(last), count(total)) : words.none}
      </span>
      {total > size && (
        <span class="ranges">
          <button type="button" aria-label={words.first} disabled={from === 0} onClick={() => turn(0)}>
            «
          </button>
          <button type="button" aria-label={words.before} disabled={from === 0} onClick={() => turn(Math.max(0, from - size))}>
            ‹
          </button>
          <button type="button" aria-label={words.after} disabled={last >= total} onClick={() => turn(from + size)}>
            ›
          </button>
          <button
            type="button"
            aria-label={words.last}
            disabled={last >= total}
            onClick={() => turn(Math.floor((total - 1) / size) * size)}
          >
            »
          </button>
        </span>
      )}
    </div>
  );
}

export interface Found<T> {
  rows: { row: T; at: number }[]; // of this page, each with its place in the whole
  bar: ComponentChildren;
  show: (at: number) => void; // turn to the page of this place
}

/** A page of what is here already. `said` is what is looked through. */
export function usePages<T>(what: string, all: T[], said: (row: T) => string, size = 50): Found<T> {
  const [find, look] = useState("");
  const [from, turn] = useState(0);
  const wanted = find.toLowerCase();
  const found = all.map((row, at) => ({ row, at })).filter(({ row }) => !wanted || said(row).toLowerCase().includes(wanted));
  const first = from < found.length ? from : Math.max(0, Math.floor((found.length - 1) / size) * size);
  return {
    rows: found.slice(first, first + size),
    bar: <Pages what={what} from={first} size={size} total={found.length} find={find} turn={turn} look={(now) => (look(now), turn(0))} />,
    show: (at) => (look(""), turn(Math.floor(at / size) * size)),
  };
}
