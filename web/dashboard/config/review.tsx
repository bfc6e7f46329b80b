// The changes that wait, as a difference, before they are applied.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { refresh } from "../answers";
import { Failure, send } from "../api";
import { Dialog } from "../parts/dialog";
import { text } from "../text";
import { type Preview, said } from "./shapes";
import { drop, type Step, useStaged } from "./staged";
import { Working } from "./working";

/** The strip at the bottom of the page while changes wait. */
export function Tray(): ComponentChildren {
  const steps = useStaged();
  const [open, show] = useState(false);
  const [done, setDone] = useState("");
  useEffect(() => {
    if (steps.length) setDone("");
  }, [steps]);
  if (!steps.length)
    return done ? (
      <p class="fine" role="status">
        {done}
      </p>
    ) : null;
  return (
    <div class="tray" role="region" aria-label={text.config.stage.title}>
      <span>{text.config.stage.waiting(steps.length)}</span>
      <button type="button" onClick={drop}>
        {text.config.stage.drop}
      </button>
      <button type="button" class="primary" onClick={() => show(true)}>
        {text.config.stage.review}
      </button>
      {open && (
        <Review
          steps={steps}
          close={() => show(false)}
          applied={(version) => {
            show(false);
            drop();
            setDone(text.config.stage.applied(version));
            refresh();
          }}
        />
      )}
    </div>
  );
}

interface ReviewProps {
  steps: Step[];
  close: () => void;
  applied: (version: number) => void;
}

function Review({ steps, close, applied }: ReviewProps): ComponentChildren {
  const words = text.config.stage;
  const [preview, setPreview] = useState<Preview | null>(null);
  const [failure, setFailure] = useState("");
  const [why, setWhy] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    setPreview(null);
    send<Preview>("POST", "/api/config/preview", { steps }, abort.signal).then(setPreview, (error: unknown) => {
      if (!abort.signal.aborted) setFailure(String((error as Error).message));
    });
    return () => abort.abort();
  }, [steps]);
  const apply = async (): Promise<void> => {
    if (!preview) return;
    setBusy(true);
    try {
      const made = await send<{ version: number }>("POST", "/api/config/apply", { base: preview.version, steps, what: why });
      applied(made.version);
    } catch (error) {
      setFailure(error instanceof Failure && error.status === 409 ? words.stale : refused(error));
    }
    setBusy(false);
  };
  const broken = preview !== null && preview.problems.length > 0;
  return (
    <Dialog title={words.title} close={close}>
      {!preview && !failure && <p role="status">{text.states.loading}</p>}
      {preview && (preview.diff ? <Diff diff={preview.diff} /> : <p class="soft">{words.same}</p>)}
      {broken && (
        <Notes title={words.problems} kind="notice trouble left" lines={preview.problems.map(said)} />
      )}
      {preview && preview.warnings.length > 0 && (
        <Notes title={words.warnings} kind="warning" lines={preview.warnings.map(said)} />
      )}
      {failure && <p class="wrong pre">{failure}</p>}
      {preview && !broken && preview.diff && (
        <label class="field column">
          <span>{words.why}</span>
          <input value={why} maxLength={200} onInput={(event) => setWhy(event.currentTarget.value)} />
        </label>
      )}
      <div class="buttons">
        <button type="button" class="primary" disabled={!preview?.diff || broken || busy} onClick={apply}>
          {words.apply}
        </button>
        <button type="button" onClick={close}>
          {words.cancel}
        </button>
        {busy && <Working what={words.checking} />}
      </div>
    </Dialog>
  );
}

/** Why a change was not taken, in all its problems. */
export function refused(error: unknown): string {
  const problems = error instanceof Failure ? (error.body as { problems?: unknown } | null)?.problems : null;
  return Array.isArray(problems) ? problems.map(said).join("\n") : String((error as Error).message);
}

function Notes({ title, kind, lines }: { title: string; kind: string; lines: string[] }): ComponentChildren {
  return (
    <div class={kind}>
      <strong>{title}</strong>
      {lines.map((line) => (
        <p class="pre" key={line}>
          {line}
        </p>
      ))}
    </div>
  );
}

/** A unified difference. */
export function Diff({ diff }: { diff: string }): ComponentChildren {
  return (
    <pre class="diff" tabIndex={0}>
      {diff.trimEnd().split("\n").map((line, index) => {
        const kind = /^(---|\+\+\+|@@)/.test(line) ? "meta" : line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "";
        return (
          <span class={kind} key={index}>
            {line}
          </span>
        );
      })}
    </pre>
  );
}
