// The page: header, one of three views, and the dialogs over them.
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/parts.css";
import "./styles/dialog.css";
import "./styles/header.css";
import "./styles/summary.css";
import "./styles/toolbar.css";
import "./styles/meter.css";
import "./styles/host-table.css";
import "./styles/host-cards.css";
import "./styles/host-map.css";
import "./styles/fleet.css";
import "./styles/panel.css";
import "./styles/chart.css";
import "./styles/marks.css";
import "./styles/plain-table.css";
import "./styles/segments.css";
import "./styles/time-bar.css";
import "./styles/brush.css";
import "./styles/host.css";
import "./styles/host-tables.css";
import "./styles/ledger.css";
import "./styles/compare.css";
import "./styles/print.css";
import { EditHosts } from "./components/edit-hosts";
import { Header } from "./components/header";
import { Help } from "./components/help";
import { LiveBar } from "./components/live-bar";
import { Palette } from "./components/palette";
import { Settings } from "./components/settings";
import { TokenDialog } from "./components/token-dialog";
import { WarningsBar } from "./components/warnings-bar";
import { ComparePage } from "./pages/compare/compare-page";
import { FleetPage } from "./pages/fleet/fleet-page";
import { HostPage } from "./pages/host/host-page";
import { loadHealth } from "./state/health";
import { startLive } from "./state/live";
import { route, startRouter } from "./state/route";
import { hours } from "./state/settings";
import { startShortcuts } from "./state/shortcuts";

function Page() {
  const here = route.value;
  switch (here.page) {
    case "fleet":
      return <FleetPage />;
    case "host":
      return <HostPage key={here.host} name={here.host} />;
    case "compare":
      return <ComparePage hosts={here.hosts} />;
    default:
      return (
        <main class="page">
          <h1>There is no such page</h1>
          <p>
            <a href="/">To the fleet</a>
          </p>
        </main>
      );
  }
}

function App() {
  return (
    <>
      <Header />
      <LiveBar />
      <WarningsBar />
      {/* Another clock is told everywhere at once. */}
      <Page key={hours.value} />
      <Help />
      <Settings />
      <Palette />
      <EditHosts />
      <TokenDialog />
    </>
  );
}

startRouter();
startShortcuts();
startLive();
render(<App />, document.getElementById("app") as HTMLElement);
// After what is looked at has been asked for.
void loadHealth();
