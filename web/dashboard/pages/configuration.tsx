// The configuration: switches that hold at once, and everything else as a change that is looked at before it is applied.
import { type ComponentChildren } from "preact";
import { useAsk } from "../answers";
import { History } from "../config/history";
import { Lists } from "../config/lists";
import { Tray } from "../config/review";
import { SiteRules } from "../config/rules";
import { Settings } from "../config/settings";
import { type Config } from "../config/shapes";
import { Actions, Switches } from "../config/switches";
import { go, type View } from "../location";
import { Card, Notice, States } from "../parts/card";
import { Recording } from "../parts/recording";
import { Tabs } from "../parts/tabs";
import { text } from "../text";

const TABS = ["switches", "settings", "rules", "lists", "history"] as const;

export function Configuration({ view, zones }: { view: View; zones: string[] }): ComponentChildren {
  const answer = useAsk<Config>("/api/config");
  const absent = answer.error?.status === 404 || answer.error?.status === 503;
  const tab = TABS.find((each) => each === view.tab) ?? "switches";
  const zone = view.zone || answer.data?.zones[0]?.name || "";
  if (absent)
    return (
      <>
        <Notice title={text.config.noConfig} hint={text.config.noConfigHint} />
        <Switches />
        <Actions zones={zones} />
        <Recording />
      </>
    );
  return (
    <>
      <div class="bar-row config-head">
        <Tabs label={text.pages.configuration} names={TABS} of={text.config.tabs} now={tab} controls="config" />
        {(tab === "settings" || tab === "rules") && answer.data && (
          <label class="field">
            <span>{text.config.zone}</span>
            <select value={zone} onChange={(event) => go({ zone: event.currentTarget.value })}>
              {answer.data.zones.map((each) => (
                <option key={each.name} value={each.name}>
                  {each.name}
                </option>
              ))}
            </select>
          </label>
        )}
        {answer.data && (
          <span class="badge plain version" aria-busy={answer.loading}>
            {answer.loading ? text.states.loading : text.config.version(answer.data.version)}
          </span>
        )}
      </div>
      {answer.data?.pending && <p class="warning">{text.config.pending}</p>}
      <Tray />
      <div id="config" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "switches" && (
          <>
            <Switches />
            <Actions zones={zones} />
            <Recording />
          </>
        )}
        {tab === "history" && <History />}
        {tab !== "switches" && tab !== "history" && (
          <Held answer={answer}>
            {(config) =>
              tab === "settings" ? (
                <Settings config={config} zone={zone} />
              ) : tab === "rules" ? (
                <SiteRules config={config} zone={zone} />
              ) : (
                <Lists config={config} />
              )
            }
          </Held>
        )}
      </div>
    </>
  );
}

interface HeldProps {
  answer: { data: Config | null; error: import("../api").Failure | null; loading: boolean };
  children: (config: Config) => ComponentChildren;
}

function Held({ answer, children }: HeldProps): ComponentChildren {
  if (answer.data) return children(answer.data);
  return (
    <Card title={text.pages.configuration}>
      <States of={answer}>{() => null}</States>
    </Card>
  );
}
