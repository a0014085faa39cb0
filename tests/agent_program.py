"""Which agent the tests run."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Final

INSTALLED_AGENT: Final = Path(sysconfig.get_path("scripts")) / "sysmon-agent"
# A build under sanitizers may take its place: make tsan.
AGENT: Final = Path(os.environ.get("SYSMON_AGENT", INSTALLED_AGENT))
