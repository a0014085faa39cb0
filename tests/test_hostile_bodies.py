"""Bodies made to hurt: each gets its 4xx with a code, memory stays flat, nothing is a 5xx."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from typing import TYPE_CHECKING

import pytest

from aggregator_process import TOKEN, AggregatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = b'{"hostname": "web01", "metrics": [{"type": "cpu.total_usage", "value": 1}]}'


def push_of(metrics: str) -> bytes:
    return b'{"hostname": "web01", "metrics": [' + metrics.encode() + b"]}"


def bomb(size: int) -> bytes:
    """That many spaces in about a thousandth of it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packer.compress(b" " * (1 << 20)) for _ in range(size >> 20)]) + packer.flush()


def in_tags(count: int) -> bytes:
    tags = ",".join(f'"k{n}":"v"' for n in range(count))
    return push_of(f'{{"type":"a.b","value":1,"tags":{{{tags}}}}}')


PLAIN = {
    "empty": b"",
    "not json": b"hello",
    "cut": GOOD[:-5],
    "two documents": GOOD + GOOD,
    "NaN": push_of('{"type":"a.b","value":NaN}'),
    "Infinity": push_of('{"type":"a.b","value":-Infinity}'),
    "beyond a double": push_of('{"type":"a.b","value":1e999}'),
    "depth 1e5": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep in facts": b'{"hostname":"a","metrics":[],"facts":' + b"[" * 20 + b"]" * 20 + b"}",
    "an array": b"[]",
    "a number": b"1",
    "null": b"null",
    "hostname a number": b'{"hostname":1,"metrics":[]}',
    "hostname a path": b'{"hostname":"../../etc/passwd","metrics":[]}',
    "hostname too long": b'{"hostname":"' + b"a" * 300 + b'","metrics":[]}',
    "no hostname": b'{"metrics":[]}',
    "no metrics": b'{"hostname":"a"}',
    "metrics an object": b'{"hostname":"a","metrics":{}}',
    "metrics a string": b'{"hostname":"a","metrics":"x"}',
    "duplicate keys": b'{"hostname":"a","hostname":"b","metrics":[]}',
    "not UTF-8": b'{"hostname":"a","metrics":[],"version":"\xff"}',
    "lone surrogate": b'{"hostname":"a","metrics":[],"version":"\\ud800"}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "long string": b'{"hostname":"a","metrics":[],"version":"' + b"x" * 100_000 + b'"}',
    "long number": push_of('{"type":"a.b","value":' + "1" * 100_000 + "}"),
    "2001 metrics": push_of(",".join(['{"type":"a.b","value":1}'] * 2_001)),
    "gzip unannounced": gzip.compress(GOOD),
}
ZIPPED = {
    "not gzip": GOOD,
    "truncated": gzip.compress(GOOD)[:-9],
    "header only": gzip.compress(GOOD)[:10],
    "bad crc": gzip.compress(GOOD)[:-8] + b"\0" * 8,
    "trailing bytes": gzip.compress(GOOD) + b"more",
    "bomb": bomb(900 << 20),
    "bomb of members": gzip.compress(b" " * 4_000_000) * 60,
    "65 members": gzip.compress(GOOD) * 65,
    "zipped twice": gzip.compress(gzip.compress(GOOD)),
    "1e6 tags": gzip.compress(in_tags(1_000_000)),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AggregatorProcess]:
    with AggregatorProcess(tmp_path_factory.mktemp("hostile")) as process:
        yield process


def post(running: AggregatorProcess, body: bytes, **headers: str) -> tuple[int, str]:
    """(status, code) of a push."""
    connection = http.client.HTTPConnection(*running.address, timeout=30)
    try:
        given = {"X-SysMon-Token": TOKEN, "Content-Type": "application/json"} | headers
        connection.request("POST", "/api/metrics", body, given)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        return answer.status, told["error"]["code"] if "error" in told else ""
    finally:
        connection.close()


@pytest.mark.parametrize("name", PLAIN)
def test_plain(running: AggregatorProcess, name: str) -> None:
    status, code = post(running, PLAIN[name])
    assert 400 <= status < 500, (status, code)
    assert code


@pytest.mark.parametrize("name", ZIPPED)
def test_zipped(running: AggregatorProcess, name: str) -> None:
    status, code = post(running, ZIPPED[name], **{"Content-Encoding": "gzip"})
    assert 400 <= status < 500, (status, code)
    assert code


def test_samples_that_are_wrong_do_not_hurt_the_others(running: AggregatorProcess) -> None:
    bad = [
        '{"type":"a b","value":1}',
        '{"type":"a.b","value":"1"}',
        '{"type":"a.b","value":null}',
        '{"type":1,"value":1}',
        '{"value":1}',
        '{"type":"a.b"}',
        "[]",
        '{"type":"a.b","value":1,"tags":{"a":1}}',
        '{"type":"a.b","value":1,"tags":{"a":"\\u0000"}}',
        '{"type":"a.b","value":1,"tags":{"a":"\\u202e"}}',
        '{"type":"a.b","value":1,"timestamp":1e18}',
    ]
    body = push_of(",".join([*bad, '{"type":"ok.ok","value":1}']))
    connection = http.client.HTTPConnection(*running.address, timeout=30)
    connection.request(
        "POST", "/api/metrics", body, {"X-SysMon-Token": TOKEN, "Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    reply = json.loads(answer.read())
    connection.close()
    assert (answer.status, reply["accepted"], reply["rejected"]) == (200, 1, len(bad))
    assert [error["index"] for error in reply["errors"]] == list(range(len(bad)))


def test_memory_stays_flat(running: AggregatorProcess) -> None:
    everything = [(body, {}) for body in PLAIN.values()]
    everything += [(body, {"Content-Encoding": "gzip"}) for body in ZIPPED.values()]

    def send_all() -> None:
        for body, headers in everything:
            assert post(running, body, **headers)[0] < 500

    for _ in range(8):  # allocators and threads settle
        send_all()
    before = running.rss_mib()
    for _ in range(12):
        send_all()
    # The bodies of a round are 3 MB, and would be 1.2 GB inflated: what stays is the allocator's breathing.
    assert running.rss_mib() - before < 20
    assert running.rss_mib() < 150


def test_connections_that_say_nothing_stop_nobody(running: AggregatorProcess) -> None:
    silent = [socket.create_connection(running.address, timeout=20) for _ in range(100)]
    for number, sock in enumerate(silent):
        if number % 2:
            sock.sendall(b"POST /api/metrics HTTP/1.1\r\nHost: local")
    assert post(running, GOOD) == (200, "")
    for sock in silent:
        sock.close()
