// What is said while a change is made: first that it is, then why it takes so long.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { text } from "../text";

const LONG = 5_000; // milliseconds

export function Working({ what }: { what: string }): ComponentChildren {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG);
    return () => clearTimeout(timer);
  }, []);
  return (
    <span class="soft" role="status">
      {long ? text.config.stage.draining : what}
    </span>
  );
}
