// Settings that may be changed on the running proxy, each with what it does and what the file says.
import { type ComponentChildren } from "preact";
import { Card } from "../parts/card";
import { Locked, useRights } from "../rights";
import { text } from "../text";
import { type Config, plain, type Setting } from "./shapes";
import { stage, type Step, useStaged } from "./staged";

const words = text.config.settings;

export function Settings({ config, zone }: { config: Config; zone: string }): ComponentChildren {
  const { refusal } = useRights();
  const site = config.zones.find((each) => each.name === zone);
  return (
    <>
      {site && <Group title={site.name} settings={site.settings} zone={site.name} why={refusal(site.name)} />}
      <Group title={words.whole} settings={config.settings} zone="" why={refusal(null)} />
    </>
  );
}

interface GroupProps {
  title: string;
  settings: Setting[];
  zone: string;
  why: string; // they may not be changed
}

function Group({ title, settings, zone, why }: GroupProps): ComponentChildren {
  const steps = useStaged();
  return (
    <Card title={title}>
      <Locked why={why} />
      <div class="settings">
        {settings.map((setting) => (
          <Row
            key={setting.path}
            setting={setting}
            locked={Boolean(why)}
            waiting={steps.find((step) => step.op === "set" && step.path === setting.path && (step.zone ?? "") === zone)}
            set={(value) => stage({ op: "set", path: setting.path, value, ...(zone ? { zone } : {}) })}
          />
        ))}
      </div>
    </Card>
  );
}

interface RowProps {
  setting: Setting;
  locked: boolean;
  waiting: Step | undefined;
  set: (value: unknown) => void;
}

function Row({ setting, locked, waiting, set }: RowProps): ComponentChildren {
  const id = `setting-${setting.path}`;
  const value = waiting ? (waiting.value === null ? setting.file : waiting.value) : setting.value;
  return (
    <div class={`setting ${waiting ? "waiting-change" : ""}`}>
      <div>
        <label for={id}>{words.names[setting.path] ?? setting.path}</label>{" "}
        {setting.changed && <span class="badge plain">{words.changed}</span>}
        {setting.help && (
          <p class="hint" id={`${id}-help`}>
            {setting.help.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}
          </p>
        )}
      </div>
      <div class="setting-value">
        <Control id={id} setting={setting} value={value} locked={locked} set={set} />
        {setting.changed && (
          <button type="button" class="quiet" disabled={locked} onClick={() => set(null)}>
            {words.back} <span class="soft">{words.inFile(plain(setting.file))}</span>
          </button>
        )}
      </div>
    </div>
  );
}

interface ControlProps {
  id: string;
  setting: Setting;
  value: unknown;
  locked: boolean;
  set: (value: unknown) => void;
}

function Control({ id, setting, value, locked, set }: ControlProps): ComponentChildren {
  const common = { id, disabled: locked, ...(setting.help ? { "aria-describedby": `${id}-help` } : {}) };
  if (setting.kind === "boolean")
    return <input type="checkbox" role="switch" {...common} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />;
  if (setting.kind === "choice")
    return (
      <select {...common} value={plain(value)} onChange={(event) => set(event.currentTarget.value)}>
        {setting.nothing && <option value="–">{words.unset}</option>}
        {(setting.choices ?? []).map((choice) => (
          <option key={choice} value={choice}>
            {choice.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    );
  if (setting.kind === "list") {
    const simple = Array.isArray(value) && value.every((each) => typeof each === "string");
    return simple || (Array.isArray(value) && !value.length) ? (
      <textarea
        {...common}
        rows={Math.min(8, Math.max(2, (value as string[]).length + 1))}
        title={words.list}
        value={(value as string[]).join("\n")}
        onChange={(event) => set(event.currentTarget.value.split("\n").map((line) => line.trim()).filter(Boolean))}
      />
    ) : (
      <code>{plain(value)}</code>
    );
  }
  const written = value === null || value === undefined ? "" : String(value);
  if (setting.kind === "integer" || setting.kind === "number")
    return (
      <input
        {...common}
        type="number"
        step={setting.kind === "integer" ? 1 : "any"}
        value={written}
        onChange={(event) => set(event.currentTarget.value === "" ? null : Number(event.currentTarget.value))}
      />
    );
  return <input {...common} value={written} onChange={(event) => set(event.currentTarget.value)} />;
}
