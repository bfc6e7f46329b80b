// From looking to acting: find a threshold, write a rule, and see what it would have done.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type View } from "../location";
import { type Draft } from "../rules/draft";
import { Threshold } from "../rules/threshold";
import { Writer } from "../rules/writer";

export function Rules({ view, zones }: { view: View; zones: string[] }): ComponentChildren {
  const [draft, setDraft] = useState<Draft | null>(null);
  return (
    <>
      <Threshold view={view} write={setDraft} />
      <Writer view={view} zones={zones} given={draft} />
    </>
  );
}
