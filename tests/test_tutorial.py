"""docs/tutorial/: every block of commands runs, in its terminal and on its machine, as a reader types it.

Two home folders are the two machines. What differs from the page: ports are free ones, everything stays on
loopback, and the second machine's name is 127.0.0.1.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial"
BLOCK = re.compile(r'^```sh(?: title="([^"]*)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
SCRIPTS = Path(sys.executable).parent

pytestmark = pytest.mark.native


class Block(NamedTuple):
    title: str
    text: str

    @property
    def stays(self) -> bool:
        """It is a program that runs until it is ended, in a terminal of its own."""
        return "terminal of its own" in self.title

    @property
    def on_second(self) -> bool:
        return "second machine" in self.title


def blocks(page: str) -> list[Block]:
    return [
        Block(title, text) for title, text in BLOCK.findall((TUTORIAL / page).read_text(encoding="utf-8"))
    ]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Reader:
    """Types what the pages say; keeps what it printed."""

    def __init__(self, folder: Path) -> None:
        self.ports = {"9000": str(free_port()), "9001": str(free_port())}
        self.homes = [folder / "first", folder / "second"]
        self.programs: list[tuple[Block, subprocess.Popen[str], Path]] = []
        for home in self.homes:
            home.mkdir()

    def env(self, block: Block) -> dict[str, str]:
        port = self.ports["9000"]
        env = {key: value for key, value in os.environ.items() if not key.startswith("SYSMON_")}
        home = self.homes[block.on_second]
        env |= {"PATH": f"{SCRIPTS}:{env['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8"}
        if os.geteuid() == 0:  # whose folders would lie in /var/lib, of this machine and of both
            env |= {
                "SYSMON_DATA_DIR": str(home / ".local/share/sysmon"),
                "SYSMON_SPOOL_DIR": str(home / ".local/share/sysmon/agent"),
            }
        if not block.on_second:  # 9000 is what everything takes by itself
            env |= {"SYSMON_PORT": port, "SYSMON_AGGREGATOR_URL": f"http://127.0.0.1:{port}"}
        return env

    def here(self, text: str) -> str:
        for name, port in self.ports.items():
            text = text.replace(name, port)
        text = text.replace("sysmon up\n", f"sysmon up --port {self.ports['9000']}\n")
        return text.replace("central-server", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")

    def start(self, block: Block) -> Path:
        log = self.homes[0] / f"program-{len(self.programs)}"
        with log.open("wb") as out:
            program = subprocess.Popen(
                ["bash", "-c", "exec " + self.here(block.text).strip()],
                env=self.env(block), cwd=self.homes[block.on_second],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True,
            )  # fmt: skip
        self.programs.append((block, program, log))
        return log

    def run(self, block: Block, stdin: IO[bytes] | None = None) -> str:
        """What the block prints; it must not fail."""
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(block.text)],
            env=self.env(block), cwd=self.homes[block.on_second],
            stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert result.returncode == 0, (block.text, result.stdout, result.stderr)
        return result.stdout

    def end(self, program: subprocess.Popen[str]) -> None:
        program.send_signal(signal.SIGINT)
        program.wait(30)

    def until(self, what: Callable[[], bool], log: Path) -> None:
        for _ in range(100):
            if what():
                return
            time.sleep(0.2)
        raise AssertionError(log.read_text())

    def says(self, command: str, pattern: str) -> bool:
        result = subprocess.run(
            ["bash", "-c", command], env=self.env(Block("", "")), capture_output=True, text=True
        )
        return bool(re.search(pattern, result.stdout))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    for _, program, _ in reversed(reader.programs):
        if program.poll() is None:
            reader.end(program)


def test_one_after_the_other(reader: Reader) -> None:
    printed: dict[str, str] = {}
    for page in ("one-host.md", "two-hosts.md", "compare.md"):
        for block in blocks(page):
            if block.stays:
                wait_for(reader, block, reader.start(block))
            elif "cat > ~/.sysmon/token" in block.text and block.on_second:
                with (reader.homes[0] / ".sysmon" / "token").open("rb") as token:
                    reader.run(block, token)
            else:
                printed[block.text] = reader.run(block)
        if page == "one-host.md":
            ((_, up, _),) = reader.programs
            reader.end(up)
            assert up.returncode in (0, 130)
    name = os.uname().nodename
    for sign, texts in (
        ("sysmon now cpu memory", ["cpu.total_usage", "memory.used"]),
        ("metrics explain", ["iowait"]),
        ("memory.available_bytes", ['"host"', "cpu.total_usage"]),
        ("hosts show web02", [name, "web02", "role=web"]),
        ("fleet/summary", ['"total_hosts":2']),
        ("sysmon doctor", ["web02"]),
        ("--since 10m", ["web02"]),
        ("list\nsysmon hosts compare db01", ["db01", "iowait"]),
        ("api/compare", ['"differs":[{']),
    ):
        (found,) = [out for text, out in printed.items() if sign in text]
        for text in texts:
            assert text in found, (sign, found)


FIRST_RATE = "sysmon metrics query cpu.total_usage --format csv --since 5m | tail -n +2"


def wait_for(reader: Reader, block: Block, log: Path) -> None:
    """Until the program is where the page says it is, and has stored what a reader finds there."""
    if "sysmon-agent" in block.text:
        host = "web02" if block.on_second else os.uname().nodename
        reader.until(lambda: reader.says("sysmon hosts list --json", f'"{host}"'), log)
    else:
        reader.until(lambda: "http://127.0.0.1:" in log.read_text(), log)
        if "sysmon up" in block.text:  # a rate needs two ticks, a second apart
            reader.until(lambda: reader.says(FIRST_RATE, "cpu.total_usage"), log)
