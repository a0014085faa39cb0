"""Prometheus' text format 0.0.4: families with their help and type, each with its samples together.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sysmon.prometheus.histogram import Histogram
    from sysmon.prometheus.names import PrometheusKind

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_IN_VALUES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_IN_HELP: Final = str.maketrans({"\\": "\\\\", "\n": "\\n"})


def label_text(labels: Iterable[tuple[str, str]]) -> str:
    """`core="0",mode="user"`, without the braces."""
    return ",".join(f'{key}="{value.translate(_IN_VALUES)}"' for key, value in labels)


class Page:
    """An exposition that is being written. No series comes twice: the first sample of one counts."""

    def __init__(self) -> None:
        self._families: dict[str, dict[str, str]] = {}  # name -> labels -> the rest of the line
        self._heads: dict[str, str] = {}

    def __len__(self) -> int:
        """Samples, without those of histograms."""
        return sum(map(len, self._families.values()))

    def add(
        self,
        name: str,
        kind: PrometheusKind,
        help_text: str,
        value: float,
        labels: str = "",
        time_ms: int | None = None,
    ) -> None:
        """Adds a sample; `labels` as `label_text` makes them."""
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = {}
            self._heads[name] = _head(name, kind, help_text)
        family.setdefault(labels, f"{value!r}" if time_ms is None else f"{value!r} {time_ms}")

    def add_each(
        self, name: str, kind: PrometheusKind, help_text: str, label: str, values: Mapping[str, float]
    ) -> None:
        """Adds a sample for every value, told apart by one label; the family is there without any, too."""
        self._families.setdefault(name, {})
        self._heads[name] = _head(name, kind, help_text)
        for key in sorted(values):
            self.add(name, kind, help_text, values[key], label_text([(label, key)]))

    def add_histogram(
        self, name: str, help_text: str, histograms: Mapping[str, Histogram], label: str
    ) -> None:
        """Adds a histogram for every key, told apart by one label; "" is a histogram without."""
        lines = [_head(name, "histogram", help_text)]
        for key in sorted(histograms):
            histogram = histograms[key]
            own = label_text([(label, key)]) if key else ""
            for bound, count in histogram.cumulative():
                le = label_text([("le", f"{bound:g}" if bound != float("inf") else "+Inf")])
                lines.append(f"{name}_bucket{{{own + ',' if own else ''}{le}}} {count}\n")
            braces = f"{{{own}}}" if own else ""
            lines.append(f"{name}_sum{braces} {histogram.sum!r}\n")
            lines.append(f"{name}_count{braces} {histogram.count}\n")
        self._families.setdefault(name, {})
        self._heads[name] = "".join(lines)

    def text(self) -> str:
        parts = []
        for name, family in self._families.items():
            parts.append(self._heads[name])
            parts += [
                f"{name}{{{labels}}} {rest}\n" if labels else f"{name} {rest}\n"
                for labels, rest in family.items()
            ]
        return "".join(parts)


def _head(name: str, kind: str, help_text: str) -> str:
    return f"# HELP {name} {help_text.translate(_IN_HELP)}\n# TYPE {name} {kind}\n"
