// What holds at once: observe or enforce, under attack; and clearances that are taken back.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { refresh, useAsk } from "../answers";
import { send } from "../api";
import { Card, States } from "../parts/card";
import { Dialog } from "../parts/dialog";
import { Locked, useRights } from "../rights";
import { text } from "../text";
import { Working } from "./working";

interface Modes {
  mode: string;
  zones: Record<string, string>;
  switched?: { mode: string | null; zones: Record<string, string> };
  persisted?: boolean;
}

interface Attacks {
  zones: Record<string, boolean>;
  switched?: { all: boolean | null; zones: Record<string, boolean> };
}

interface Asked {
  what: string;
  hint: string;
  run: () => Promise<unknown>;
}

const words = text.config.switches;

export function Switches(): ComponentChildren {
  const modes = useAsk<Modes>("/api/mode");
  const attacks = useAsk<Attacks>("/api/under-attack");
  const [asking, ask] = useState<Asked | null>(null);
  const { refusal } = useRights();
  const mode = (value: string | null, zone: string): void => {
    const name = value === "enforce" ? words.enforce : value === "observe" ? words.observe : words.configured;
    const hint = value === "enforce" ? words.askEnforce : value === "observe" ? words.askObserve : words.askOther;
    const body = { mode: value, zone: zone || null };
    ask({ what: words.ask(name, zone || words.all), hint, run: () => send("PUT", "/api/mode", body) });
  };
  const attack = (value: boolean | null, zone: string): void => {
    const name = value === null ? words.configured : `${words.attack}: ${value ? words.on : words.off}`;
    const body = { under_attack: value, zone: zone || null };
    const hint = value ? words.askAttack : words.askOther;
    ask({ what: words.ask(name, zone || words.all), hint, run: () => send("PUT", "/api/under-attack", body) });
  };
  return (
    <Card title={words.title} busy={modes.loading}>
      <p class="soft">{words.lead}</p>
      <Locked why={refusal(null)} />
      <States of={modes}>
        {(known) => (
          <div class="scroll tall" tabIndex={0} role="group" aria-label={words.title}>
            <table class="grid switches">
              <thead>
                <tr>
                  <th scope="col">{text.config.zone}</th>
                  <th scope="col">{words.mode}</th>
                  <th scope="col">{words.attack}</th>
                </tr>
              </thead>
              <tbody>
                {["", ...Object.keys(known.zones)].map((zone) => {
                  const now = zone ? known.zones[zone] : known.mode;
                  const set = zone ? known.switched?.zones[zone] : known.switched?.mode;
                  const hit = zone ? attacks.data?.zones[zone] : attacks.data?.switched?.all;
                  const hitSet = zone ? attacks.data?.switched?.zones[zone] : attacks.data?.switched?.all;
                  return (
                    <tr key={zone}>
                      <th scope="row">{zone || words.all}</th>
                      <td data-name={words.mode}>
                        <Choice
                          label={`${words.mode}, ${zone || words.all}`}
                          options={[
                            ["observe", words.observe, now === "observe"],
                            ["enforce", words.enforce, now === "enforce"],
                          ]}
                          choose={(value) => mode(value, zone)}
                          locked={refusal(zone || null)}
                          back={set ? () => mode(null, zone) : null}
                        />
                      </td>
                      <td data-name={words.attack}>
                        <Choice
                          label={`${words.attack}, ${zone || words.all}`}
                          options={[
                            ["off", words.off, hit === false || hit === null || hit === undefined],
                            ["on", words.on, hit === true],
                          ]}
                          choose={(value) => attack(value === "on", zone)}
                          locked={refusal(zone || null)}
                          back={hitSet !== null && hitSet !== undefined ? () => attack(null, zone) : null}
                        />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </States>
      {modes.data?.persisted === false && <p class="wrong">{words.unwritten}</p>}
      {asking && <Confirm asked={asking} close={() => ask(null)} />}
    </Card>
  );
}

interface ChoiceProps {
  label: string;
  options: [string, string, boolean][];
  choose: (value: string) => void;
  back: (() => void) | null;
  locked: string; // why nothing may be chosen
}

function Choice({ label, options, choose, back, locked }: ChoiceProps): ComponentChildren {
  return (
    <span class="choice">
      <span class="ranges" role="group" aria-label={label}>
        {options.map(([value, name, now]) => (
          <button
            type="button"
            key={value}
            aria-pressed={now}
            disabled={Boolean(locked)}
            title={locked || undefined}
            onClick={() => !now && choose(value)}
          >
            {name}
          </button>
        ))}
      </span>
      {back && (
        <button type="button" class="quiet" disabled={Boolean(locked)} onClick={back}>
          {words.configured}
        </button>
      )}
    </span>
  );
}

/** Ask before something that visitors notice. */
export function Confirm({ asked, close }: { asked: Asked; close: () => void }): ComponentChildren {
  const [failure, fail] = useState("");
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      await asked.run();
      close();
      refresh();
    } catch (error) {
      fail(String((error as Error).message));
      setBusy(false);
    }
  };
  return (
    <Dialog title={asked.what} close={close}>
      {asked.hint && <p>{asked.hint}</p>}
      {failure && <p class="wrong pre">{failure}</p>}
      <div class="buttons">
        <button type="button" class="primary" disabled={busy} onClick={run}>
          {text.config.stage.apply}
        </button>
        <button type="button" onClick={close}>
          {text.config.stage.cancel}
        </button>
        {busy && <Working what={text.config.stage.working} />}
      </div>
    </Dialog>
  );
}

export function Actions({ zones }: { zones: string[] }): ComponentChildren {
  const told = text.config.actions;
  const { refusal } = useRights();
  const locked = refusal(null); // an address or a ray may be of any site
  const mine = zones.filter((zone) => !refusal(zone));
  const kinds = Object.entries(told.kinds).filter(([word]) => !locked || (word === "zone" && mine.length > 0));
  const [chosen, setKind] = useState("ip");
  const kind = kinds.some(([word]) => word === chosen) ? chosen : "zone";
  const [value, setValue] = useState("");
  const [done, setDone] = useState<{ text: string; wrong: boolean } | null>(null);
  const act = async (run: () => Promise<unknown>, well: string): Promise<void> => {
    try {
      await run();
      setDone({ text: well, wrong: false });
      refresh();
    } catch (error) {
      const problems = (error as { body?: { problems?: string[] } }).body?.problems;
      setDone({ text: problems?.join("\n") ?? String((error as Error).message), wrong: true });
    }
  };
  return (
    <Card title={told.title}>
      <Locked why={locked} />
      <form
        class="bar-row"
        onSubmit={(event) => {
          event.preventDefault();
          void act(() => send("POST", "/api/clearance/revoke", { kind, value: value || mine[0] || "" }), told.done);
        }}
      >
        <span>
          {told.revoke} <span class="soft">({told.revokeLead})</span>
        </span>
        <label class="field">
          <span>{told.kind}</span>
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            {kinds.map(([word, name]) => (
              <option key={word} value={word}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {kind === "zone" ? (
          <select aria-label={told.value} value={value} onChange={(event) => setValue(event.currentTarget.value)}>
            {mine.map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </select>
        ) : (
          <input aria-label={told.value} required value={value} onInput={(event) => setValue(event.currentTarget.value.trim())} />
        )}
        <button type="submit" disabled={!kinds.length}>
          {told.button}
        </button>
        <button type="button" class="end" disabled={Boolean(locked)} title={locked || undefined} onClick={() => void act(() => send("POST", "/api/reload", {}), told.reloaded)}>
          {told.reload}
        </button>
      </form>
      {done && (
        <p class={done.wrong ? "wrong pre" : "fine"} role="status">
          {done.text}
        </p>
      )}
    </Card>
  );
}
