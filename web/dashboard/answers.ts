// Answers that components wait for: the last one stays while the next is on its way.
import { useEffect, useState } from "preact/hooks";
import { ask, Failure } from "./api";
import { type Condition } from "./filter";
import { asked, type View } from "./location";

/** What questions about many requests are answered with. */
export interface Table {
  since: number;
  until: number;
  columns: string[];
  rows: (string | number | boolean | null | string[] | number[])[][];
  approximate: string | null;
  source: string;
}

export interface Answer<T> {
  data: T | null;
  error: Failure | null;
  loading: boolean;
}

let round = 0;
const waiting = new Set<() => void>();

/** Ask everything that is shown once more. */
export function refresh(): void {
  round += 1;
  for (const tell of waiting) tell();
}

/** How often everything was asked for again. */
export function useRound(): number {
  const [seen, see] = useState(round);
  useEffect(() => {
    const tell = (): void => see(round);
    waiting.add(tell);
    return () => void waiting.delete(tell);
  }, []);
  return seen;
}

/** Ask, and again when the question changes or everything is refreshed; a path of "" asks nothing. */
export function useAsk<T>(path: string, given: Record<string, string> = {}): Answer<T> {
  const seen = useRound();
  const key = path && `${path}?${new URLSearchParams(given).toString()}`;
  const [state, set] = useState<Answer<T> & { key: string }>({ data: null, error: null, loading: Boolean(path), key });
  useEffect(() => {
    if (!path) {
      set({ data: null, error: null, loading: false, key });
      return;
    }
    const abort = new AbortController();
    set((before) => ({ ...before, loading: true, key }));
    ask<T>(path, given, abort.signal).then(
      (data) => set({ data, error: null, loading: false, key }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure(0, String(error));
        set((before) => ({ data: before.key === key ? before.data : null, error: failure, loading: false, key }));
      },
    );
    return () => abort.abort();
  }, [key, seen]);
  return state.key === key ? state : { ...state, loading: Boolean(path) }; // another question from this moment on
}

/** A question of `/api/analytics` about the view. */
export function useTable(
  question: string,
  view: View,
  more: Record<string, string> = {},
  filter: Condition[] = view.filter,
): Answer<Table> {
  return useAsk<Table>(question && `/api/analytics/${question}`, { ...asked(view, filter), ...more });
}

/** The rows of a table as records. */
export function records(table: Table): Record<string, unknown>[] {
  return table.rows.map((row) => Object.fromEntries(table.columns.map((name, at) => [name, row[at]])));
}
