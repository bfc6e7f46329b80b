// The frame of every page: where one is, where one can go, and what is looked at.
import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Answer, useAsk } from "./answers";
import { hasToken, keepToken, onLocked } from "./api";
import { address, chooseUsual, DAY, go, isRanged, type Page, useView, type View } from "./location";
import { Analytics } from "./pages/analytics";
import { Security } from "./pages/security";
import { Configuration } from "./pages/configuration";
import { Reports } from "./pages/reports";
import { Rules } from "./pages/rules";
import { Bar } from "./parts/bar";
import { Notice } from "./parts/card";
import { Drawer } from "./parts/drawer";
import { type Status, Trusted } from "./parts/recording";
import { SignIn } from "./parts/sign_in";
import { Looking, type Operator, RightsBadge } from "./rights";
import { text } from "./text";
import { setTheme, type Theme, theme } from "./theme";

const SHOWN: Page[] = ["analytics", "security", "rules", "configuration", "reports"];

export function App(): ComponentChildren {
  const [locked, lock] = useState(false);
  useEffect(() => onLocked(lock), []);
  return locked ? <SignIn /> : <Shown />;
}

function Shown(): ComponentChildren {
  const view = useView();
  const status = useAsk<Status>("/api/analytics/status");
  const operator = useAsk<Operator>("/api/operator");
  useUsualRange(status);
  useEffect(() => {
    document.title = `${text.pages[view.page]} · ${text.title}`;
  }, [view.page]);
  return (
    <Looking.Provider value={operator.data}>
      <a class="skip" href="#content">
        {text.skip}
      </a>
      <Top page={view.page} />
      <main id="content" tabIndex={-1}>
        <h1 class="page-title">{text.pages[view.page]}</h1>
        <Body view={view} status={status.data} />
      </main>
      {view.ray && <Drawer ray={view.ray} key={view.ray} />}
    </Looking.Provider>
  );
}

/** A first look at a store that began an hour ago shows that hour, not a day with a spike at its end. */
function useUsualRange({ data, loading }: Answer<Status>): void {
  useEffect(() => {
    const store = data?.store;
    if (store?.state === "open") chooseUsual(store.oldest === null ? 0 : Date.now() / 1000 - store.oldest / 1e6);
    else if (!loading) chooseUsual(DAY);
  }, [data, loading]);
}

function Body({ view, status }: { view: View; status: Status | null }): ComponentChildren {
  const zones = status?.zones ?? [];
  if (view.page === "configuration") return <Configuration view={view} zones={zones} />;
  if (view.page === "reports") return <Reports view={view} zones={zones} />;
  if (status && !status.store) return <Notice title={text.states.noStore} hint={text.states.noStoreHint} />;
  const store = status?.store;
  return (
    <>
      <Bar view={view} zones={zones} />
      <Trusted status={status} />
      {store?.state === "open" && store.oldest === null && (
        <Notice title={text.states.first} hint={text.states.firstHint} />
      )}
      {isRanged(view) ? <PageOf view={view} zones={zones} /> : <p class="waiting tall">{text.states.loading}</p>}
    </>
  );
}

function PageOf({ view, zones }: { view: View; zones: string[] }): ComponentChildren {
  if (view.page === "security") return <Security view={view} />;
  if (view.page === "rules") return <Rules view={view} zones={zones} />;
  return <Analytics view={view} />;
}

function Top({ page }: { page: Page }): ComponentChildren {
  const [chosen, choose] = useState(theme());
  useEffect(() => {
    document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [page]);
  return (
    <header class="top">
      <a class="brand" href="/" onClick={(event) => follow(event, "analytics")}>
        <Mark /> {text.title}
      </a>
      <nav aria-label={text.navigation}>
        {SHOWN.map((each) => (
          <a
            key={each}
            href={address({ page: each, tab: "", ray: "" })}
            aria-current={each === page ? "page" : undefined}
            onClick={(event) => follow(event, each)}
          >
            {text.pages[each]}
          </a>
        ))}
        <a href="/graphiql">{text.graphiql}</a>
      </nav>
      <RightsBadge />
      <Mode />
      <label class="theme">
        <span class="unseen">{text.theme.label}</span>
        <select
          value={chosen}
          onChange={(event) => {
            const next = event.currentTarget.value as Theme;
            choose(next);
            setTheme(next);
          }}
        >
          {(["system", "light", "dark"] as const).map((each) => (
            <option key={each} value={each}>
              {text.theme[each]}
            </option>
          ))}
        </select>
      </label>
      {hasToken() && (
        <button type="button" class="quiet" onClick={() => (keepToken(""), location.reload())}>
          {text.signIn.out}
        </button>
      )}
    </header>
  );
}

/** What the proxy does at the moment, on every page. */
function Mode(): ComponentChildren {
  const modes = useAsk<{ mode: string; zones: Record<string, string> }>("/api/mode");
  const attacks = useAsk<{ zones: Record<string, boolean> }>("/api/under-attack");
  if (!modes.data) return null;
  const all = Object.values(modes.data.zones);
  const enforcing = all.filter((mode) => mode === "enforce").length;
  const state = enforcing === all.length ? "enforce" : enforcing ? "mixed" : "observe";
  const attacked = Object.values(attacks.data?.zones ?? {}).some(Boolean);
  return (
    <a class="mode" href={address({ page: "configuration", tab: "", ray: "" })} onClick={(event) => follow(event, "configuration")}>
      {attacked && <span class="badge wrong">{text.modes.attack}</span>}
      <span class={`badge ${state === "enforce" ? "good" : ""}`}>{text.modes[state]}</span>
    </a>
  );
}

function follow(event: MouseEvent, page: Page): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go({ page, tab: "", ray: "" });
  document.getElementById("content")?.focus();
}

function Mark(): ComponentChildren {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M12 1.5 21 5v6.5c0 5-3.6 9-9 11-5.4-2-9-6-9-11V5z" />
      <circle cx="8.8" cy="11" r="1.7" />
      <circle cx="15.2" cy="11" r="1.7" />
      <rect x="8" y="15" width="8" height="1.8" rx=".9" />
    </svg>
  );
}
