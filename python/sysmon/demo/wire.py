"""Batches of a virtual host as the agent's wire has them (docs/formats/wire.md).

The JSON of a host never changes but for its numbers, so it is one template, filled by `%`: a day of three
hosts is three million numbers, and they have to be there within a minute.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sysmon import __version__
from sysmon.demo.series import fast_series, slow_series

if TYPE_CHECKING:
    from sysmon.demo.life import Life
    from sysmon.demo.machine import Machine
    from sysmon.demo.series import Series

SLOW_S = 60
FACTS_S = 3600
GZIP = 31  # zlib's window bits for a gzip member
LEVEL = 1


@dataclass(frozen=True)
class Sealed:
    """A batch that never changes any more: one gzip member and its place in the stream."""

    seq: int
    samples: int
    body: bytes


class Sealer:
    """Seals the batches of one host, one a step, numbered from 1 on."""

    def __init__(self, life: Life, interval_s: float) -> None:
        self._life = life
        self._seq = 0
        self._slow_due = self._facts_due = 0.0
        fast, slow = fast_series(life.hardware), slow_series(life.hardware)
        head = {
            "hostname": life.name,
            "version": __version__,
            "tags": life.tags,
            "interval": interval_s,
            "agent_id": life.agent_id,
            "boot_id": life.boot_id,
        }
        self._head = json.dumps(head, separators=(",", ":"))[:-1]
        self._fast, self._slow = fast, fast + slow
        self._fast_form, self._slow_form = _form(fast), _form(fast + slow)

    @property
    def seq(self) -> int:
        """The last number given."""
        return self._seq

    def skip(self, time: float) -> None:
        """Lets the host live until `time` and numbers its batch without making it."""
        self._seq += 1
        machine = self._life.step(time)
        machine.samples += len(self._series(time)[0])

    def seal(self, time: float) -> Sealed:
        """Lets the host live until `time` and seals what an agent would read then."""
        self._seq += 1
        machine = self._life.step(time)
        series, form, slow = self._series(time)
        machine.samples += len(series)
        extra = self._extra(machine, slow=slow)
        values = tuple([row.read(machine) for row in series])
        uptime_ms = int((time - machine.boot) * 1000)
        head = f'{self._head},"timestamp":{time:.3f},"boottime_ms":{uptime_ms}{extra},"metrics":['
        body = head + form % values + "]}"
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        return Sealed(self._seq, len(series), packer.compress(body.encode()) + packer.flush())

    def _series(self, time: float) -> tuple[list[Series], str, bool]:
        if time < self._slow_due:
            return self._fast, self._fast_form, False
        self._slow_due = time + SLOW_S
        return self._slow, self._slow_form, True

    def _extra(self, machine: Machine, *, slow: bool) -> str:
        """Processes once a minute, facts at first and once an hour."""
        parts = ""
        if slow:
            parts += ',"processes":' + json.dumps(self._life.processes(), separators=(",", ":"))
        if machine.time >= self._facts_due:
            self._facts_due = machine.time + FACTS_S
            parts += ',"facts":' + json.dumps(_facts(machine), separators=(",", ":"))
        return parts


def _form(series: list[Series]) -> str:
    rows = []
    for row in series:
        tags = f',"tags":{json.dumps(row.tags, separators=(",", ":"))}' if row.tags else ""
        rows.append(f'{{"type":"{row.type}","value":{row.form}{tags.replace("%", "%%")}}}')
    return ",".join(rows)


def _facts(machine: Machine) -> dict[str, object]:
    hardware = machine.hardware
    return {
        "os": hardware.os,
        "kernel": hardware.kernel,
        "arch": "x86_64",
        "cpu_model": hardware.cpu_model,
        "cores": hardware.cores,
        "memory_bytes": hardware.memory,
        "mounts": {fs.mountpoint: {"device": fs.device, "fstype": fs.fstype} for fs in hardware.filesystems},
    }
