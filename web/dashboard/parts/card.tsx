// A card, and what stands in it while there is nothing, too little or a fault.
import { type ComponentChildren } from "preact";
import { type Answer, refresh, type Table } from "../answers";
import { type Failure } from "../api";
import { text } from "../text";

interface CardProps {
  title: string;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  class?: string;
  busy?: boolean;
  children: ComponentChildren;
}

export function Card({ title, note, actions, class: name = "", busy = false, children }: CardProps): ComponentChildren {
  return (
    <section class={`card ${name}`} aria-label={title} aria-busy={busy}>
      <header class="card-head">
        <h2>{title}</h2>
        {note}
        {actions && <div class="card-actions">{actions}</div>}
        {busy && <span class="spinner" aria-hidden="true" />}
      </header>
      {children}
    </section>
  );
}

/** The mark of numbers that are not exact, and why. */
export function Approximate({ of }: { of: Table | null }): ComponentChildren {
  return of?.approximate ? (
    <span class="badge" title={of.approximate}>
      {text.states.approximate}
    </span>
  ) : null;
}

export function Notice({ title, hint, children }: { title: string; hint?: string; children?: ComponentChildren }): ComponentChildren {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {hint && <p>{hint}</p>}
      {children}
    </div>
  );
}

export function Trouble({ failure }: { failure: Failure }): ComponentChildren {
  return (
    <div class="notice trouble" role="alert">
      <p class="notice-title">{failure.status === 503 ? text.states.noStore : text.states.failed}</p>
      <p>{failure.message}</p>
      <button type="button" onClick={refresh}>
        {text.states.again}
      </button>
    </div>
  );
}

interface StatesProps<T> {
  of: Answer<T>;
  empty?: (data: T) => boolean;
  hint?: string;
  more?: ComponentChildren; // what to do where nothing is
  tall?: boolean;
  children: (data: T) => ComponentChildren;
}

/** What an answer is shown as once it is there; until then, and where it is not, what is the matter. */
export function States<T>({ of, empty, hint, more, tall = false, children }: StatesProps<T>): ComponentChildren {
  if (of.error) return <Trouble failure={of.error} />;
  if (of.data === null)
    return (
      <div class={`waiting ${tall ? "tall" : ""}`} role="status">
        {text.states.loading}
      </div>
    );
  if (empty?.(of.data))
    return (
      <Notice title={text.states.empty} hint={hint ?? text.states.emptyHint}>
        {more}
      </Notice>
    );
  return children(of.data);
}
