// From looking to acting: find a threshold, write a rule, and see what it would have done.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type View } from "../location";
import { Threshold } from "../rules/threshold";
import { Writer } from "../rules/writer";

export interface Draft {
  expression: string;
  action: string;
  name: string;
}

export function Rules({ view }: { view: View }): ComponentChildren {
  const [draft, setDraft] = useState<Draft | null>(null);
  return (
    <>
      <Threshold view={view} write={setDraft} />
      <Writer view={view} given={draft} />
    </>
  );
}
