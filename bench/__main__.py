"""`python -m bench [SUBJECT …]`: measure, and print one Markdown table a subject."""

from __future__ import annotations

import sys

from bench import agent, dashboard, fleet, ingest, large, native, plan, storage, up
from bench.process import NotBuiltError
from bench.report import machine, show

SUBJECTS = {
    "collect": ("Collection beside its floor", native.collect),
    "decode": ("Decoding a push of 250 metrics", native.decode),
    "agent": ("The whole agent, and others", agent.measure),
    "plan": ("The plan's success metrics", plan.measure),
    "up": ("One machine: `sysmon up`", up.measure),
    "ingest": ("The aggregator under load", ingest.measure),
    "dashboard": ("The dashboard in a browser", dashboard.measure),
    "dashboard-heap": ("The dashboard's memory over half an hour", dashboard.heap),
    "fleet": ("Ten thousand hosts at one aggregator", fleet.measure),
    "storage": ("The store beside others, same data, same run", storage.measure),
    "storage-large": ("The store a hundred times larger", large.measure),
}
ONLY_WHEN_NAMED = {"dashboard-heap", "fleet", "plan", "storage-large"}  # many minutes; some gigabytes of disk


def main() -> int:
    wanted = sys.argv[1:] or [subject for subject in SUBJECTS if subject not in ONLY_WHEN_NAMED]
    if unknown := set(wanted) - set(SUBJECTS):
        print(
            f"bench: no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}",
            file=sys.stderr,
        )
        return 2
    print(machine())
    for subject in wanted:
        title, measure = SUBJECTS[subject]
        try:
            show(title, measure())
        except NotBuiltError as missing:
            print(f"bench: {missing}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
