// Runs while the page's program is still on its way: asks for the lines that a host's page is opened for, so that
// the aggregator has them ready when there is something to draw them with.
import { parseRoute } from "./address";
import { askEarly } from "./api";
import { kFirstTypes } from "./charts/families";
import { kUsualInterval, startOf, stepOf } from "./grid";
import { parseRange } from "./time-range";

const here = parseRoute(location.pathname, location.search);
const search = new URLSearchParams(location.search);
if (here.page === "host" && !search.has("tab")) {
  // By this computer's clock, as the page itself will: where the two are not of one mind it asks again.
  const now = Date.now() / 1000;
  const range = parseRange(search, now);
  const step = stepOf(range.seconds, kUsualInterval);
  askEarly({
    host: here.host,
    types: kFirstTypes,
    start: startOf(range, step, now),
    end: range.fixed?.end,
    step,
  });
}
