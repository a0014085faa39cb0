"""nginx and Caddy in front of an aggregator, with the files that are shipped: own ports, own process, TLS."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import urllib3

if TYPE_CHECKING:
    from types import TracebackType

PACKAGING = Path(__file__).parents[1] / "packaging"
_SEARCH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
NGINX = shutil.which("nginx", path=_SEARCH)
CADDY = shutil.which("caddy", path=_SEARCH)
_START_S = 30.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def certificate(folder: Path) -> Path:
    """cert.pem of localhost, which is its own authority, beside key.pem."""
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem"
        " -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    )
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem"


def replaced(text: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text


class Proxy:
    """One proxy, from the shipped file with the test's name, ports and certificate in it."""

    def __init__(self, kind: str, folder: Path, upstream: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.certificate = certificate(folder)
        self._command = self._nginx(upstream) if kind == "nginx" else self._caddy(upstream)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def _nginx(self, upstream: int) -> list[str]:
        shipped = (PACKAGING / "nginx" / "sysmon.conf").read_text()
        site = replaced(
            shipped,
            {
                "server 127.0.0.1:9000;": f"server 127.0.0.1:{upstream};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
                "  listen [::]:443 ssl http2;\n": "",
                "server_name sysmon.example.com;": "server_name localhost;",
                "/etc/ssl/certs/sysmon.example.com.pem": str(self.certificate),
                "/etc/ssl/private/sysmon.example.com.key": str(self.folder / "key.pem"),
            },
        )
        (self.folder / "sysmon.conf").write_text(site)
        user = "user root;\n" if os.geteuid() == 0 else ""  # the folder is this user's alone
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"  {kind}_temp_path {self.folder}/{kind};\n" for kind in kinds)
        (self.folder / "nginx.conf").write_text(
            f"{user}daemon off;\npid {self.folder}/nginx.pid;\nworker_processes 1;\n"
            f"events {{ worker_connections 256; }}\n"
            f"http {{\n  access_log off;\n{temporary}  include {self.folder}/sysmon.conf;\n}}\n"
        )
        log = str(self.folder / "proxy.log")
        return [str(NGINX), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", log]

    def _caddy(self, upstream: int) -> list[str]:
        shipped = (PACKAGING / "caddy" / "Caddyfile").read_text()
        site = replaced(
            shipped,
            {
                "\nsysmon.example.com {\n": (
                    f"\nhttps://localhost:{self.port} {{\n\tbind 127.0.0.1\n"
                    f"\ttls {self.certificate} {self.folder}/key.pem\n"
                ),
                "reverse_proxy 127.0.0.1:9000 {": f"reverse_proxy 127.0.0.1:{upstream} {{",
                "{\n\tservers {": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {",
            },
        )
        (self.folder / "Caddyfile").write_text(site)
        return [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")]

    def __enter__(self) -> Self:
        log = (self.folder / "proxy.log").open("ab")
        home = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env={**os.environ, **home})
        log.close()
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                told = (self.folder / "proxy.log").read_text()
                assert self._process.poll() is None, told
                assert time.monotonic() < deadline, told
                time.sleep(0.02)
            else:
                break
        self.http = urllib3.PoolManager(ca_certs=str(self.certificate), timeout=30, retries=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.clear()
        self._process.terminate()
        assert self._process.wait(30) == 0
