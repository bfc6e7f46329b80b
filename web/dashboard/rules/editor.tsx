// An expression of the rules language as it is typed, checked a moment after each change, with the fault at its place.
import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Failure, send } from "../api";
import { text } from "../text";

const words = text.rules;
const PAUSE = 400; // milliseconds without a key, after which it is checked
const AROUND = 40; // characters of the line that are shown on either side of a fault

export interface Fault {
  message: string;
  start: number; // in characters, not in units of UTF-16
  end: number;
  line: number;
  column: number;
  near?: string[]; // what may have been meant
}

/** The fault that an answer is about, if it is about one. */
export function faultOf(failure: Failure | null): Fault | null {
  const body = failure?.body as Partial<Fault> | null;
  return failure?.status === 400 && typeof body?.column === "number" ? (body as Fault) : null;
}

interface EditorProps {
  id: string;
  value: string;
  set: (value: string) => void;
  rows: number;
  found?: Fault | null; // by whoever tried it, and then gone to
}

export function ExpressionEditor({ id, value, set, rows, found = null }: EditorProps): ComponentChildren {
  const box = useRef<HTMLTextAreaElement>(null);
  const [seen, see] = useState<{ of: string; fault: Fault | null }>({ of: "", fault: null });
  useEffect(() => {
    if (!value.trim()) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      send<{ fault: Fault | null }>("POST", "/api/simulate/expression", { expression: value }, abort.signal).then(
        ({ fault }) => see({ of: value, fault }),
        () => undefined, // whoever tries or applies it is told
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [value]);
  useEffect(() => {
    if (found) show(found);
  }, [found]);
  const show = (fault: Fault): void => {
    box.current?.focus();
    box.current?.setSelectionRange(units(value, fault.start), units(value, fault.end));
  };
  const fault = seen.of === value ? seen.fault : null;
  return (
    <div class="expression">
      <label class="field column">
        <span>{words.expression}</span>
        <textarea
          id={id}
          ref={box}
          class="code"
          rows={rows}
          spellcheck={false}
          value={value}
          aria-invalid={fault !== null}
          aria-describedby={fault ? `${id}-fault` : undefined}
          onInput={(event) => set(event.currentTarget.value)}
        />
      </label>
      <div id={`${id}-fault`} role="status">
        {fault && <Shown fault={fault} value={value} go={() => show(fault)} take={(name) => set(replaced(value, fault, name))} />}
      </div>
    </div>
  );
}

const units = (value: string, characters: number): number => [...value].slice(0, characters).join("").length;

const replaced = (value: string, fault: Fault, name: string): string =>
  value.slice(0, units(value, fault.start)) + name + value.slice(units(value, fault.end));

interface ShownProps {
  fault: Fault;
  value: string;
  go: () => void;
  take: (name: string) => void;
}

function Shown({ fault, value, go, take }: ShownProps): ComponentChildren {
  const line = [...(value.split("\n")[fault.line - 1] ?? "")];
  const at = fault.column - 1;
  const end = Math.min(line.length, at + Math.max(1, fault.end - fault.start));
  const from = Math.max(0, at - AROUND);
  const to = Math.min(line.length, end + AROUND);
  return (
    <div class="fault">
      <p>
        <button type="button" class="quiet" onClick={go}>
          {words.place(fault.line, fault.column)}
        </button>{" "}
        {fault.message}
        {(fault.near ?? []).length > 0 && (
          <>
            {". "}
            {words.meant}
            {(fault.near ?? []).map((name) => (
              <button type="button" class="quiet" key={name} onClick={() => take(name)}>
                <code>{name}</code>
              </button>
            ))}
          </>
        )}
      </p>
      <code>
        {from > 0 && "…"}
        {line.slice(from, at).join("")}
        <mark>{line.slice(at, end).join("") || words.ending}</mark>
        {line.slice(end, to).join("")}
        {to < line.length && "…"}
      </code>
    </div>
  );
}
