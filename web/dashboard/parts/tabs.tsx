// Tabs, moved between with the arrow keys; the address keeps which one it is.
import { type ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { go } from "../location";

interface Props<T extends string> {
  label: string;
  names: readonly T[];
  of: Record<T, string>;
  now: T;
  controls: string;
}

export function Tabs<T extends string>({ label, names, of, now, controls }: Props<T>): ComponentChildren {
  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = names[(names.indexOf(now) + step + names.length) % names.length];
    if (!step || !next) return;
    event.preventDefault();
    go({ tab: next }, true);
    document.getElementById(`tab-${next}`)?.focus();
  };
  useEffect(() => {
    const shown = document.getElementById(`tab-${now}`);
    const row = shown?.parentElement;
    if (!shown || !row) return;
    const { offsetLeft: left, offsetWidth: wide } = shown;
    // Where all of them do not fit. The page itself stays where it is.
    row.scrollLeft = Math.min(Math.max(row.scrollLeft, left + wide - row.clientWidth), left);
  }, [now]);
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {names.map((name) => (
        <button
          type="button"
          role="tab"
          key={name}
          id={`tab-${name}`}
          aria-controls={controls}
          aria-selected={name === now}
          tabIndex={name === now ? 0 : -1}
          onClick={() => go({ tab: name }, true)}
        >
          {of[name]}
        </button>
      ))}
    </div>
  );
}
