"""A browser page that remembers what must not happen: errors, dialogs, violations of the policy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

# A curve across a chart of some 600 × 180 pixels leaves far more than this; an empty chart leaves none.
DRAWN = 300

# Counts pixels of a chart's plot area that are clearly coloured: axes, grid and hatching are grey.
_COLOURED = """
(box) => {
  const canvas = box.querySelector("canvas");
  if (!canvas) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.slice(i, i + 4);
    if (a > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured += 1;
  }
  return coloured;
}
"""
# The widest stretch of columns without a coloured pixel between two columns that have one, in CSS pixels.
_WIDEST_GAP = """
(box) => {
  const canvas = box.querySelector("canvas");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let last = null;
  let widest = 0;
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      const i = 4 * (y * width + x);
      const [r, g, b, a] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
      if (a > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 60) {
        if (last !== null) widest = Math.max(widest, x - last - 1);
        last = x;
        break;
      }
    }
  }
  return widest / devicePixelRatio;
}
"""


class WatchedPage:
    """A playwright page with its complaints; `complaints` must be empty at the end of most tests."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on(
            "dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) =>"
            " console.error('policy violation: ' + e.violatedDirective + ' ' + e.blockedURI));"
        )

    def _heard(self, message: ConsoleMessage) -> None:
        # The tests themselves read a chart's pixels again and again; the page never does.
        if message.type in ("error", "warning") and "willReadFrequently" not in message.text:
            where = message.location.get("url", "")
            self.complaints.append(f"console {message.type}: {message.text} {where}".rstrip())

    def wait_drawn(self, chart: str) -> None:
        """Returns once the chart has a curve."""
        expect(self.page.locator(f'[data-chart="{chart}"] canvas')).to_be_visible()
        deadline = time.monotonic() + 10
        while self.coloured_pixels(chart) < DRAWN:
            assert time.monotonic() < deadline, f"chart {chart} stays empty"
            self.page.wait_for_timeout(50)

    def coloured_pixels(self, chart: str) -> int:
        """Coloured pixels of the chart with this id: 0 where nothing is drawn."""
        return int(self.page.locator(f'[data-chart="{chart}"]').evaluate(_COLOURED))

    def widest_gap(self, chart: str) -> float:
        """The width of the widest hole in the chart's curve, in CSS pixels."""
        return float(self.page.locator(f'[data-chart="{chart}"]').evaluate(_WIDEST_GAP))

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )
