// What is said while a change is made: first that it is, then why it takes so long.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { text } from "../text";

const LONG = 5_000; // milliseconds

/** `only` where nothing is changed, and no connection has to end. */
export function Working({ what, only = false }: { what: string; only?: boolean }): ComponentChildren {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG);
    return () => clearTimeout(timer);
  }, []);
  return (
    <span class="soft" role="status">
      {long && !only ? text.config.stage.draining : what}
    </span>
  );
}
