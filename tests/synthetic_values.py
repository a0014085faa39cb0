"""The values of `sysmon-agent --synthetic`, computed again: the function of docs/agent.md."""

from __future__ import annotations

from functools import lru_cache

_MASK = (1 << 64) - 1


def _splitmix64(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _fnv1a(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


@lru_cache(maxsize=1 << 14)
def _series_key(seed: int, host: str, index: int) -> int:
    return _splitmix64((_splitmix64(seed ^ _fnv1a(host)) + index) & _MASK)


def synthetic_value(seed: int, host: str, index: int, tick: int) -> float:
    """What `synthetic.value{index}` of this host holds at this tick."""
    return (_splitmix64(_series_key(seed, host, index) ^ tick) >> 40) / 100
