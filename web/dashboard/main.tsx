// The dashboard of the admin listener.
import { render } from "preact";
import { App } from "./app";
import { show } from "./theme";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/charts.css";
import "./style/parts.css";
import "./style/config.css";
import "./style/reports.css";
import "./style/rules.css";

show();
const root = document.getElementById("app");
if (root) render(<App />, root);
