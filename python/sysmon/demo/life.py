"""What a virtual host is and does: the base of `web.py`, `db.py` and `cache.py`."""

from __future__ import annotations

import math
import random
import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from sysmon.demo.machine import Activity, Machine

if TYPE_CHECKING:
    from sysmon.demo.machine import Hardware

HOUR, DAY = 3600.0, 86400.0


class Noise:
    """A random walk around 0, standard deviation 1, that forgets within `memory_s` (Ornstein–Uhlenbeck)."""

    def __init__(self, source: random.Random, memory_s: float) -> None:
        self._source = source
        self._memory_s = memory_s
        self._value = source.gauss(0.0, 1.0)

    def step(self, elapsed: float) -> float:
        keep = math.exp(-elapsed / self._memory_s)
        self._value = self._value * keep + math.sqrt(1.0 - keep * keep) * self._source.gauss(0.0, 1.0)
        return self._value


class Bursts:
    """Something that happens about every `every_s`, jumps to up to 1 and fades within `fade_s`."""

    def __init__(self, source: random.Random, every_s: float, fade_s: float) -> None:
        self._source = source
        self._every_s = every_s
        self._fade_s = fade_s
        self._value = 0.0

    def step(self, elapsed: float) -> float:
        self._value *= math.exp(-elapsed / self._fade_s)
        if self._source.random() < 1.0 - math.exp(-elapsed / self._every_s):
            self._value = min(1.0, self._value + self._source.uniform(0.4, 1.0))
        return self._value


class Life(ABC):
    """One virtual host, from `begin` on. Deterministic: two of the same arguments give the same samples.

    Subclasses say in `act` what it does, tick by tick; times only move forward.
    """

    role: ClassVar[str]
    hardware: ClassVar[Hardware]
    services: ClassVar[tuple[tuple[str, str], ...]]  # (user, command) of what runs there, busiest first

    def __init__(self, name: str, ordinal: int, seed: int, start: float, begin: float) -> None:
        self.name = name
        self.ordinal = ordinal
        self.start = start
        self.random = random.Random(f"{seed}:{name}")  # noqa: S311 - a model, not a secret
        self.tags = {"role": self.role, "datacenter": ("us-east-1", "eu-west-1")[(ordinal - 1) % 2]}
        self.agent_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.boot_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.machine = Machine(self.hardware, begin - self.random.uniform(9, 60) * DAY, begin)
        self.short = Noise(self.random, 40.0)
        self.medium = Noise(self.random, 600.0)
        self.long = Noise(self.random, 3 * HOUR)

    @classmethod
    def hostname(cls, ordinal: int) -> str:
        return f"{cls.role.split('-')[0]}{ordinal:02d}"

    def step(self, time: float) -> Machine:
        """Lives until `time` (Unix seconds, after the last) and returns the machine as it is then."""
        elapsed = time - self.machine.time
        activity = self.act(time, elapsed)
        self._jitter(activity)
        self.machine.step(time, activity)
        return self.machine

    def _jitter(self, activity: Activity) -> None:
        """No two seconds are alike: every kind of work wavers by itself."""
        wait, work, reading, writing = (math.exp(self.random.gauss(0.0, s)) for s in (0.25, 0.04, 0.2, 0.2))
        activity.iowait *= wait
        activity.system *= work
        activity.reads *= reading
        activity.read_bytes *= reading
        activity.writes *= writing
        activity.write_bytes *= writing
        activity.switches *= work

    @abstractmethod
    def act(self, time: float, elapsed: float) -> Activity:
        """What the host does in the `elapsed` seconds up to `time`."""

    def daylight(self, time: float) -> float:
        """The share of the day's visitors that is awake: 0 at 04:00, 1 at 16:00 UTC; fewer at weekends."""
        wave = 0.5 - 0.5 * math.cos(2 * math.pi * (time - 4 * HOUR) / DAY)
        weekend = 0.75 if int(time // DAY + 3) % 7 >= 5 else 1.0
        return weekend * wave

    def processes(self) -> list[dict[str, str | int | float]]:
        """The busiest processes now, as the agent's `processes`."""
        machine = self.machine
        share, memory = 0.62, 0.55
        rows: list[dict[str, str | int | float]] = []
        for at, (user, command) in enumerate(self.services):
            rows.append(
                {
                    "pid": 700 + 31 * at,
                    "user": user,
                    "command": command,
                    "cpu_percent": round(machine.total_usage * share * self.hardware.cores, 1),
                    "rss_bytes": int(machine.now.app_bytes * memory),
                    "read_bytes": int(machine.now.read_bytes * share),
                    "write_bytes": int(machine.now.write_bytes * share),
                }
            )
            share *= 0.3
            memory *= 0.3
        return rows
