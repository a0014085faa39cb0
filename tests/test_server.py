"""Every route: its permission, its error shape, its headers; and the routes that change something."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from service_kit import TOKEN, ServiceKit
from sysmon.aggregator import create_app
from sysmon.aggregator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = "r" * 40
CPU = ("cpu.total_usage", 1.0)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[ServiceKit]:
    """An aggregator whose reads need a token."""
    kit = ServiceKit(tmp_path / "closed", read_auth="token", read_tokens=(READ,))
    kit.push("web01", CPU)
    yield kit
    kit.service.close()


def routes(kit: ServiceKit) -> list[tuple[str, str, str]]:
    """(method, path, permission) of every route of the application."""
    app = kit.service.app
    return [
        (method, rule.rule.replace("<hostname>", "web01").replace("<name>", "app.js"), view.permission)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
        for view in [app.view_functions[rule.endpoint]]
    ]


def test_every_route_says_what_it_needs(kit: ServiceKit) -> None:
    undeclared = [
        name for name, view in kit.service.app.view_functions.items() if not hasattr(view, "permission")
    ]
    assert undeclared == []


def test_every_route_asks_for_it(closed: ServiceKit) -> None:
    for method, path, permission in routes(closed):
        if permission == "public":
            continue
        response = closed.client.open(path, method=method)
        assert (response.status_code, response.headers.get("WWW-Authenticate")) == (401, "Bearer"), (
            method,
            path,
        )
        wrong = closed.client.open(path, method=method, headers={"X-SysMon-Token": "wrong"})
        assert (wrong.status_code, wrong.data) == (401, response.data)
        other = READ if permission != "read" else TOKEN
        refused = closed.client.open(path, method=method, headers={"X-SysMon-Token": other})
        assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "forbidden"), (
            method,
            path,
        )


def test_every_error_has_the_one_shape(closed: ServiceKit) -> None:
    asked = [(method, path) for method, path, _ in routes(closed)]
    for method, path in [
        *asked,
        ("GET", "/no/such"),
        ("PUT", "/api/hosts"),
        ("POST", "/"),
        ("GET", "/static/.."),
    ]:
        response = closed.client.open(path, method=method)
        if response.status_code < 400:
            continue
        assert response.mimetype == "application/json", (method, path)
        assert set(response.get_json()) == {"error"}
        assert set(response.get_json()["error"]) == {"code", "message"}


def test_every_answer_has_the_security_headers(closed: ServiceKit) -> None:
    for method, path, _ in [*routes(closed), ("GET", "/no/such", "")]:
        headers = closed.client.open(path, method=method).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert not [name for name, _ in headers if name.startswith("Access-Control")]
        assert headers["Cache-Control"] == (
            "no-store" if path.startswith("/api/") else headers["Cache-Control"]
        )


def test_wrong_methods_and_paths(kit: ServiceKit) -> None:
    response = kit.client.put("/api/hosts")
    assert (response.status_code, response.get_json()["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]
    assert kit.error("/api/nothing") == (404, "not_found")


def test_a_foreign_host_header_is_misdirected(kit: ServiceKit) -> None:
    for path in ("/", "/api/health", "/api/hosts", "/no/such", "/static/app.js"):
        assert kit.error(path, Host="evil.example") == (421, "wrong_host")
    assert kit.get("/api/hosts", Host="evil.example", **kit.admin)["count"] == 0


def test_health_tells_strangers_nothing(closed: ServiceKit) -> None:
    assert closed.get("/api/health") == {"status": "ok"}
    told = closed.get("/api/health", **{"X-SysMon-Token": READ})
    assert told["ingest"]["pushes"] == 1
    assert told["database"]["rows"] == 1


def test_open_reads_off_loopback_are_warned_about(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "open", host="0.0.0.0", read_auth="open")
    assert any("read_auth: open" in text for text in kit.get("/api/health")["warnings"])
    kit.service.close()


# ---- sessions ----------------------------------------------------------------------------------------------


def test_a_read_token_is_traded_for_a_cookie(closed: ServiceKit) -> None:
    client = closed.client
    assert client.post("/api/session", json={"token": "wrong"}).status_code == 401
    assert client.post("/api/session", json={"token": TOKEN}).status_code == 401  # may only push
    response = client.post("/api/session", json={"token": READ}, headers={"Origin": "http://localhost"})
    assert response.status_code == 204
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert READ not in cookie
    assert client.get("/api/hosts").status_code == 200
    assert client.patch("/api/hosts/web01", json={"archived": True}).status_code == 401
    assert client.delete("/api/session", headers={"Origin": "http://localhost"}).status_code == 204
    assert client.get("/api/hosts").status_code == 401


def test_behind_a_proxy_the_cookie_is_secure(tmp_path: Path) -> None:
    for hops, secure in ((1, True), (0, False)):  # without trusted_hops the header means nothing
        kit = ServiceKit(tmp_path / str(hops), trusted_hops=hops, read_tokens=(READ,))
        response = kit.client.post(
            "/api/session",
            json={"token": READ},
            headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"},
        )
        assert ("Secure" in response.headers["Set-Cookie"]) is secure
        kit.service.close()


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_sites_page_cannot_touch_the_session(closed: ServiceKit, headers: dict[str, str]) -> None:
    assert closed.client.post("/api/session", json={"token": READ}, headers=headers).status_code == 403
    assert closed.client.delete("/api/session", headers=headers).status_code == 403


# ---- hosts -------------------------------------------------------------------------------------------------


def test_hosts_are_registered_by_hand(kit: ServiceKit) -> None:
    def add(body: Any, **headers: str) -> tuple[int, Any]:
        response = kit.client.post("/api/hosts", json=body, headers={**kit.admin, **headers})
        return response.status_code, response.get_json()

    status, host = add({"hostname": "web01", "tags": {"role": "web"}})
    assert (status, host["hostname"], host["status"], host["last_seen"]) == (201, "web01", "offline", None)
    assert add({"hostname": "web01"})[1]["error"]["code"] == "host_exists"
    for body in (
        {"hostname": "-web"},
        {"hostname": "a" * 254},
        {"hostname": "a b"},
        {"hostname": "x", "tags": {"a b": "c"}},
        {"hostname": "x", "tags": {"a": "\u202e"}},
        {"hostname": "x", "tags": {"a": "b" * 257}},
        {"hostname": "x", "tags": {f"k{n}": "v" for n in range(17)}},
        {"hostname": "x", "more": 1},
        {"tags": {}},
        [],
    ):
        status, answer = add(body)
        assert (status, answer["error"]["code"]) == (400, "bad_argument"), body
    kit.reopen()
    assert kit.get("/api/hosts/web01")["tags"] == {"role": "web"}
    assert kit.get("/api/hosts")["count"] == 1


def test_bodies_are_json_of_a_sane_size(kit: ServiceKit) -> None:
    def add(data: bytes, kind: str = "application/json") -> int:
        headers = {**kit.admin, "Content-Type": kind}
        return int(kit.client.post("/api/hosts", data=data, headers=headers).status_code)

    assert add(b'{"hostname": "a"}', "text/plain") == 415
    assert add(b"{") == 400
    assert add(b"[" * 60_000) == 400
    assert add(b"\xff") == 400
    assert add(b" " * 70_000) == 413


def test_tags_are_set_and_taken_away(kit: ServiceKit) -> None:
    kit.push("web01", CPU, tags={"role": "web"})

    def patch(body: Any) -> Any:
        return kit.client.patch("/api/hosts/web01", json=body, headers=kit.admin).get_json()

    assert patch({"tags": {"role": "db", "zone": "1"}})["tags"] == {"role": "db", "zone": "1"}
    assert patch({"tags": {"role": None}})["tags"] == {"role": "web", "zone": "1"}
    kit.reopen()
    assert kit.get("/api/hosts/web01")["tags"] == {"role": "web", "zone": "1"}
    assert kit.client.patch("/api/hosts/nobody", json={}, headers=kit.admin).status_code == 404


def test_the_list_pages_and_filters(kit: ServiceKit) -> None:
    for n in range(5):
        kit.push(f"web0{n}", CPU, tags={"n": str(n % 2)})
    seen: list[str] = []
    cursor = ""
    while True:
        page = kit.get(f"/api/hosts?limit=2{cursor}")
        seen += [host["hostname"] for host in page["hosts"]]
        assert (page["count"], page["online"]) == (5, 5)
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [f"web0{n}" for n in range(5)]
    assert [h["hostname"] for h in kit.get("/api/hosts?tag=n:1")["hosts"]] == ["web01", "web03"]
    assert kit.get("/api/hosts?status=offline")["hosts"] == []
    assert kit.error("/api/hosts?limit=0") == (400, "bad_argument")
    assert kit.error("/api/hosts?status=gone") == (400, "bad_argument")


def test_events_are_selected(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    for archived in (True, False, True):
        kit.now_ms += 1000
        kit.client.patch("/api/hosts/web01", json={"archived": archived}, headers=kit.admin)
    events = kit.get("/api/hosts/web01/events")["events"]
    assert [event["kind"] for event in events] == ["archived", "unarchived", "archived"]
    assert len(kit.get("/api/hosts/web01/events?kind=archived&limit=1")["events"]) == 1
    assert kit.get("/api/hosts/web01")["events"] == events


# ---- the rest ----------------------------------------------------------------------------------------------


def test_a_backup_is_a_database(kit: ServiceKit, tmp_path: Path) -> None:
    kit.push("web01", CPU)

    def backup(path: str) -> Any:
        return kit.client.post("/api/admin/backup", json={"path": path}, headers=kit.admin)

    copy = tmp_path / "copy.db"
    answer = backup(str(copy)).get_json()
    assert answer == {"path": str(copy), "bytes": copy.stat().st_size}
    assert copy.stat().st_mode & 0o777 == 0o600
    with apsw.Connection(str(copy)) as db:
        assert db.execute("SELECT count(*) FROM journal").get == 1
    assert backup(str(copy)).status_code == 409
    assert copy.exists()
    assert backup("relative.db").status_code == 400
    assert backup(str(tmp_path / "no" / "such" / "folder.db")).status_code == 400


def test_the_page_is_one_file_and_a_fixed_list(kit: ServiceKit) -> None:
    pages = {kit.client.get(path).data for path in ("/", "/compare?hosts=a,b", "/hosts/web01")}
    assert len(pages) == 1
    response = kit.client.get("/")
    assert response.mimetype == "text/html"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    again = kit.client.get("/", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for path in (
        "/static/../service.py",
        "/static/%2e%2e/errors.py",
        "/static/.hidden",
        "/static/dashboard-multi.html",
    ):
        assert kit.client.get(path).status_code == 404


def test_the_page_comes_compressed_to_who_can_read_it(kit: ServiceKit) -> None:
    plain = kit.client.get("/")
    packed = kit.client.get("/", headers={"Accept-Encoding": "br, gzip"})
    assert (plain.content_encoding, packed.content_encoding) == (None, "gzip")
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    refused = kit.client.get("/", headers={"Accept-Encoding": "gzip;q=0"})
    assert refused.data == plain.data
    again = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert kit.client.get("/", headers=again).status_code == 304


def test_a_failure_tells_nothing_but_that(kit: ServiceKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit.service.directory, "all", lambda: 1 / 0)
    assert kit.error("/api/hosts") == (500, "internal")


def test_create_app_is_complete_by_itself(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, auth_tokens=(TOKEN,)))
    client = app.test_client()
    body = {"hostname": "web01", "metrics": [{"type": "a.b", "value": 1}]}
    assert client.post("/api/metrics", json=body, headers={"X-SysMon-Token": TOKEN}).status_code == 200
    assert client.get("/api/hosts").get_json()["online"] == 1
    app.extensions["sysmon"].close()
