"""F36: tokens that are guessed, nearly right, of another role, no longer valid; and what the time tells."""

from __future__ import annotations

import http.client
import math
import signal
import statistics
import string
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from aggregator_process import TOKEN, AggregatorProcess
from faults.hostile import GoodHost, within
from faults.oracle import BrokenError
from sysmon.aggregator.auth import Auth
from sysmon.aggregator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_READ: Final = "r" * 40
_WRONG_CHARACTERS: Final = 4  # at the end of a token that is nearly right
_T_LIMIT: Final = 4.5
_WAIT_S: Final = 30


@dataclass
class Tally:
    refused: int = 0
    limited: int = 0
    t_max_permille: int = 0
    hostile_inputs: int = 0
    hostile_5xx: int = 0


def guess_tokens(seed: int, tries: int, folder: Path) -> Tally:
    """So many wrong tokens, while a host with the right one goes on beside them. Raises BrokenError."""
    tally = Tally()
    random = Random(seed)
    token_file = folder / "tokens"
    folder.mkdir(parents=True)
    token_file.touch(mode=0o600)
    token_file.write_text(TOKEN + "\n")
    running = AggregatorProcess(folder, SYSMON_AUTH_TOKEN_FILE=str(token_file), SYSMON_READ_TOKEN=_READ)
    del running.env["SYSMON_AUTH_TOKEN"]
    with running, GoodHost(running) as good:
        for number in range(tries):
            _refused(running, _wrong(random), tally)
            if number % 10 == 0:
                good.pushes(1)
        token_file.write_text("n" * 40 + "\n")
        running.process.send_signal(signal.SIGHUP)
        within(_WAIT_S, lambda: _status(running, TOKEN) in (401, 429), "the old token is revoked")
        if _status(running, "n" * 40) != 422:  # let in, and the body is no batch
            raise BrokenError("error", "the new token is not taken where others are guessed")
    return tally


def _wrong(random: Random) -> str:
    at = random.randrange(len(TOKEN))
    return random.choice(
        [
            TOKEN[:at],
            TOKEN + "t",
            TOKEN[:at] + "x" + TOKEN[at + 1 :],
            TOKEN.upper(),
            _READ,
            "".join(random.choices("abcdefgh0123", k=random.randrange(1, 60))),
            "t" * 4_000,
        ]
    )


def _refused(running: AggregatorProcess, token: str, tally: Tally) -> None:
    status = _status(running, token)
    tally.hostile_inputs += 1
    tally.hostile_5xx += status >= 500
    if status not in (401, 429):
        raise BrokenError("error", f"a wrong token got {status}")
    tally.refused += 1
    tally.limited += status == 429


def _status(running: AggregatorProcess, token: str) -> int:
    connection = http.client.HTTPConnection(*running.address, timeout=_WAIT_S)
    try:
        headers = {"X-SysMon-Token": token, "Content-Type": "application/json"}
        connection.request("POST", "/api/metrics", b"{}", headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def time_comparisons(seed: int, tries: int, folder: Path) -> Tally:
    """Welch's t of the times that tokens nearly right and tokens all wrong take, of so many pairs of them.

    Raises BrokenError: they can be told apart.
    """
    random = Random(seed)
    auth = Auth(Settings(data_dir=folder, auth_tokens=(TOKEN,)), time.time)
    t = comparison_t(auth.may_push, random, tries)
    if abs(t) > _T_LIMIT:
        raise BrokenError("error", f"t = {t:.2f}: the time of a comparison says how near a token is")
    return Tally(refused=tries, t_max_permille=round(abs(t) * 1000))


def comparison_t(may_push: Callable[[str], bool], random: Random, tries: int) -> float:
    """Welch's t of `tries` tokens nearly right and as many all wrong.

    Each is a text and a string of its own, made in the order of use: a processor is faster with what it saw
    before, and where a string lies says how long it takes, too.
    """
    tokens: list[tuple[bool, str]] = []
    right = len(TOKEN) - _WRONG_CHARACTERS
    for is_near in random.sample([True, False] * tries, 2 * tries):
        wrong = "".join(random.choices(string.ascii_letters, k=len(TOKEN)))
        tokens.append((is_near, (TOKEN if is_near else wrong)[:right] + wrong[right:]))
    times: dict[bool, list[int]] = {True: [], False: []}
    for is_near, token in tokens:
        began = time.perf_counter_ns()
        may_push(token)
        took = time.perf_counter_ns() - began  # before anything is looked up for it
        times[is_near].append(took)
    return _welch(*(_trimmed(values) for values in times.values()))


def _trimmed(values: list[int]) -> list[int]:
    """Without the slowest tenth: those were interrupted."""
    return sorted(values)[: len(values) * 9 // 10]


def _welch(a: list[int], b: list[int]) -> float:
    spread = statistics.variance(a) / len(a) + statistics.variance(b) / len(b)
    return (statistics.fmean(a) - statistics.fmean(b)) / math.sqrt(spread)
