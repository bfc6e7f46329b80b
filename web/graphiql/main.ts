// GraphiQL for the GraphQL API of this listener: everything comes with the package, nothing from elsewhere.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./style.css";

const KEEP = "botproxy-token"; // as the dashboard keeps it, in this tab alone

const fetcher = createGraphiQLFetcher({
  url: "/client/v4/graphql",
  fetch: (url: RequestInfo | URL, options?: RequestInit) => {
    const headers = new Headers(options?.headers);
    const token = sessionStorage.getItem(KEEP);
    if (token && !headers.has("Authorization")) headers.set("Authorization", `Bearer ${token}`);
    return fetch(url, { ...options, headers });
  },
});

const FIRST = `# The GraphQL Analytics API. Ctrl-Space completes, Ctrl-Enter asks; the book on the left shows what there is.
{
  viewer {
    zones {
      zoneTag
      httpRequestsAdaptiveGroups(limit: 10, orderBy: [count_DESC], filter: { date_geq: "${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}" }) {
        count
        dimensions { botManagementDecision botScoreSrcName }
      }
    }
  }
}
`;

const root = document.getElementById("app");
if (root) createRoot(root).render(createElement(GraphiQL, { fetcher, defaultQuery: FIRST, shouldPersistHeaders: false }));
