// Named lists, their items, and more of them.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Card, Notice } from "../parts/card";
import { usePages } from "../parts/pages";
import { Locked, useRights } from "../rights";
import { text } from "../text";
import { type Config, type List, plain } from "./shapes";
import { stage, useStaged } from "./staged";

const words = text.config.lists;
const SHOWN = 100;

const nameOf = (item: unknown): string =>
  typeof item === "object" && item !== null ? plain((item as { value?: unknown }).value ?? item) : plain(item);

const lines = (given: string): string[] => given.split("\n").map((line) => line.trim()).filter(Boolean);

export function Lists({ config }: { config: Config }): ComponentChildren {
  const lists = config.lists ?? [];
  const why = useRights().refusal(null);
  const locked = Boolean(why);
  return (
    <>
      <Locked why={why} />
      {lists.length === 0 && (
        <Card title={text.config.tabs.lists}>
          <Notice title={words.none} hint={words.noneHint} />
        </Card>
      )}
      {lists.map((list) => (
        <One key={list.name} list={list} locked={locked} />
      ))}
      {!locked && <Make />}
    </>
  );
}

function One({ list, locked }: { list: List; locked: boolean }): ComponentChildren {
  const steps = useStaged().filter((step) => step.list === list.name);
  const [more, setMore] = useState("");
  const items = (list.items ?? []).map(nameOf);
  const pages = usePages(`$${list.name}`, items, (item) => item, SHOWN);
  const gone = new Set(steps.filter((step) => step.op === "remove_items").flatMap((step) => step.items as string[]));
  const coming = steps.filter((step) => step.op === "add_items").flatMap((step) => step.items as string[]);
  return (
    <Card
      title={`$${list.name}`}
      note={
        <span class="soft">
          {words.kinds[list.kind] ?? list.kind}
          {list.number !== null ? ` · ${words.items(list.number)}` : ""}
        </span>
      }
    >
      {list.description && <p class="soft">{list.description}</p>}
      {list.file ? (
        <p>{words.file(list.file)}</p>
      ) : (
        <>
          {pages.bar}
          <p class="items">
            {pages.rows.map(({ row: name }) => (
              <span class={`chip ${gone.has(name) ? "gone" : ""}`} key={name}>
                <span>{name}</span>
                <button
                  type="button"
                  class="chip-x"
                  disabled={locked || gone.has(name)}
                  aria-label={words.remove(name)}
                  onClick={() => stage({ op: "remove_items", list: list.name, items: [name] })}
                >
                  <span aria-hidden="true">✕</span>
                </button>
              </span>
            ))}
            {coming.map((name) => (
              <span class="chip coming" key={name}>
                <span>+ {name}</span>
              </span>
            ))}
          </p>
          {!locked && (
            <form
              class="bar-row"
              onSubmit={(event) => {
                event.preventDefault();
                if (lines(more).length) stage({ op: "add_items", list: list.name, items: lines(more) });
                setMore("");
              }}
            >
              <textarea rows={2} aria-label={words.lines} placeholder={words.lines} value={more} onInput={(event) => setMore(event.currentTarget.value)} />
              <button type="submit">{words.add}</button>
            </form>
          )}
        </>
      )}
    </Card>
  );
}

function Make(): ComponentChildren {
  const [name, setName] = useState("");
  const [kind, setKind] = useState("ip");
  const [items, setItems] = useState("");
  return (
    <Card title={words.make}>
      <form
        class="bar-row"
        onSubmit={(event) => {
          event.preventDefault();
          stage({ op: "add_list", list: name, kind, items: lines(items) });
          setName("");
          setItems("");
        }}
      >
        <label class="field">
          <span>{words.name}</span>
          <input required pattern="[a-z0-9_]+" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{words.kind}</span>
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            {Object.entries(words.kinds).map(([word, label]) => (
              <option key={word} value={word}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <textarea rows={2} aria-label={words.lines} placeholder={words.lines} value={items} onInput={(event) => setItems(event.currentTarget.value)} />
        <button type="submit">{words.make}</button>
      </form>
    </Card>
  );
}
