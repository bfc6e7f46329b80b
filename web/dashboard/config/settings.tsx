// Settings that may be changed on the running proxy, each with what it does and what the file says.
import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { duration } from "../format";
import { Card } from "../parts/card";
import { Locked, useRights } from "../rights";
import { text } from "../text";
import { type Config, plain, type Setting } from "./shapes";
import { stage, type Step, useStaged } from "./staged";

const words = text.config.settings;

/** Beginnings of paths, and under which heading they stand; the first that fits. */
const SECTIONS: [string, keyof typeof words.sections][] = [
  ["bot_management.ai_", "ai"],
  ["bot_management.is_robots_txt", "ai"],
  ["bot_management.", "bots"],
  ["anomaly_detection.", "anomalies"],
  ["scoring.machine_learning.training.", "training"],
  ["scoring.", "scoring"],
  ["alerts.", "alerts"],
  ["", "general"],
];

const sectionOf = (path: string): keyof typeof words.sections => SECTIONS.find(([start]) => path.startsWith(start))![1];

const nameOf = (setting: Setting): string => words.names[setting.path] ?? setting.path;

export function Settings({ config, zone }: { config: Config; zone: string }): ComponentChildren {
  const { refusal } = useRights();
  const [sought, seek] = useState("");
  const site = config.zones.find((each) => each.name === zone);
  const fits = (setting: Setting): boolean =>
    sought.toLowerCase().split(" ").every((word) => `${nameOf(setting)} ${setting.path} ${setting.help}`.toLowerCase().includes(word));
  const chosen = (settings: Setting[]): Setting[] => settings.filter(fits);
  return (
    <>
      <p class="bar-row find">
        <input type="search" aria-label={words.find} placeholder={words.find} value={sought} onInput={(event) => seek(event.currentTarget.value)} />
      </p>
      {site && <Group title={site.name} settings={chosen(site.settings)} zone={site.name} why={refusal(site.name)} />}
      <Group title={words.whole} settings={chosen(config.settings)} zone="" why={refusal(null)} />
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
      {settings.length === 0 && <p class="soft">{words.nothing}</p>}
      {[...new Set(settings.map(({ path }) => sectionOf(path)))].map((section) => (
        <section class="settings" key={section}>
          <h3>{words.sections[section]}</h3>
          {settings
            .filter(({ path }) => sectionOf(path) === section)
            .map((setting) => (
              <Row
                key={setting.path}
                id={`setting-${zone || "*"}-${setting.path}`}
                setting={setting}
                locked={Boolean(why)}
                waiting={steps.find((step) => step.op === "set" && step.path === setting.path && (step.zone ?? "") === zone)}
                set={(value) => stage({ op: "set", path: setting.path, value, ...(zone ? { zone } : {}) })}
              />
            ))}
        </section>
      ))}
    </Card>
  );
}

interface RowProps {
  id: string;
  setting: Setting;
  locked: boolean;
  waiting: Step | undefined;
  set: (value: unknown) => void;
}

function Row({ id, setting, locked, waiting, set }: RowProps): ComponentChildren {
  const value = waiting ? (waiting.value === null ? setting.file : waiting.value) : setting.value;
  return (
    <div class={`setting ${waiting ? "waiting-change" : ""}`}>
      <div>
        <label for={id}>{nameOf(setting)}</label>{" "}
        {setting.changed && <span class="badge plain">{words.changed}</span>}
        {setting.help && (
          <p class="hint" id={`${id}-help`}>
            {setting.help.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}
          </p>
        )}
      </div>
      <div class="setting-value">
        <Control id={id} setting={setting} value={value} locked={locked} set={set} />
        {typeof value === "number" && value >= 60 && nameOf(setting).endsWith(words.seconds) && (
          <span class="soft">{duration(value)}</span>
        )}
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
    const numbers = Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "number");
    const read = (line: string): string | number => (numbers && /^\d+$/.test(line) ? Number(line) : line);
    return numbers || (Array.isArray(value) && value.every((each) => typeof each === "string")) ? (
      <textarea
        {...common}
        rows={Math.min(8, Math.max(2, (value as string[]).length + 1))}
        title={words.list}
        value={(value as string[]).join("\n")}
        onChange={(event) => set(event.currentTarget.value.split("\n").map((line) => line.trim()).filter(Boolean).map(read))}
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
