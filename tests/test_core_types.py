"""`_core.pyi` is held against the module, and the parts of the bindings that have no page of their own."""

from __future__ import annotations

import ast
import gc
import json
import re
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import sysmon
from sysmon import _core

VM = Path(__file__).parent / "fixtures" / "proc" / "vm"


STUB = ast.parse((Path(sysmon.__file__).parent / "_core.pyi").read_text())
CLASSES = {
    node.name: node
    for node in STUB.body
    if isinstance(node, ast.ClassDef) and "TypedDict" not in ast.unparse(node)
}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
MADE_BY_PYBIND = {"__class_getitem__"}  # what a stub says by Generic


def arguments(function: ast.FunctionDef) -> list[str]:
    """The arguments as a caller sees them: names in order, "*" before kw-only ones, "=" after defaults."""
    given = function.args
    plain = [argument.arg for argument in given.posonlyargs + given.args]
    first_default = len(plain) - len(given.defaults)
    out = [name + ("=" if i >= first_default else "") for i, name in enumerate(plain)]
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        out.append("*" + argument.arg + ("" if default is None else "="))
    return out


def bound_arguments(bound: object) -> list[str]:
    """The same of a bound function, from the signature that its docstring begins with."""
    signature = (bound.__doc__ or "").splitlines()[0]
    signature = re.sub(r"= <[^>]*>", "= ...", signature)
    (function,) = ast.parse(f"def {signature}: ...").body
    assert isinstance(function, ast.FunctionDef)
    return arguments(function)


def members(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {member.name: member for member in node.body if isinstance(member, ast.FunctionDef)}


def test_stub_and_module_have_the_same_names() -> None:
    public = {name for name in vars(_core) if not name.startswith("_")}
    assert public == CLASSES.keys() | FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_takes_what_the_stub_says(name: str) -> None:
    assert bound_arguments(getattr(_core, name)) == arguments(FUNCTIONS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_class_has_what_the_stub_says(name: str) -> None:
    bound = getattr(_core, name)
    stub = members(CLASSES[name])
    special = {"__init__", "__len__", "__enter__", "__exit__", "__str__", "__class_getitem__"}
    present = {
        member
        for member in vars(bound)
        if not member.startswith("_") or (member in special and member in stub)
    }
    assert present == stub.keys() - MADE_BY_PYBIND
    for member, declared in stub.items():
        is_property = any(ast.unparse(decorator) == "property" for decorator in declared.decorator_list)
        if is_property:
            assert isinstance(vars(bound)[member], property), member
        else:
            assert bound_arguments(getattr(bound, member)) == arguments(declared), member


def test_public_names_exist() -> None:
    assert all(hasattr(sysmon, name) for name in sysmon.__all__)
    assert sysmon.__version__ == _core.__version__


def test_missing_extension_says_how_to_build_it() -> None:
    code = "import sys; sys.modules['sysmon._core'] = None\nimport sysmon"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "make build" in run.stderr.splitlines()[-1]


def test_registry_has_every_fixed_name_once() -> None:
    metrics = {metric.name: metric for metric in sysmon.registry()}
    assert len(metrics) == len(sysmon.registry())
    assert {"cpu.total_usage", "memory.used_bytes", "disk.usage_percent", "network.bytes_sent"} <= set(
        metrics
    )
    usage = metrics["disk.usage_percent"]
    assert (usage.unit, usage.kind, usage.default_on) == ("percent", "gauge", True)
    assert "mountpoint" in usage.tags
    assert usage.collector == "disk"
    assert usage.help
    assert metrics["network.bytes_sent"].kind == "counter"


def test_collector_samples_a_recorded_tree() -> None:
    collector = _core.MetricsCollector(proc_root=str(VM))
    first = collector.sample()
    second = collector.sample()
    assert (first.tick, second.tick) == (0, 1)
    samples = {metric for metric, _, _ in second.samples()}
    assert "cpu.total_usage" in samples
    assert len(second) == len(second.samples())
    assert {status.name for status in collector.status()} >= {"cpu", "memory"}
    assert all(status.up or status.last_error for status in collector.status())


def test_collector_thread_fills_the_ring() -> None:
    with _core.MetricsCollector(0.05, str(VM)) as collector:
        with pytest.raises(RuntimeError, match="started"):
            collector.sample()
        batches: list[_core.Batch] = []
        while len(batches) < 2:  # bounded by the suite's timeout
            batches += collector.drain()
    assert [batch.tick for batch in batches] == list(range(len(batches)))
    assert len(collector.drain()) <= 64
    assert collector.dropped == 0


def test_disabled_metrics_are_not_collected() -> None:
    collector = _core.MetricsCollector(proc_root=str(VM), disable=["memory"])
    families = {metric.split(".")[0] for metric, _, _ in collector.sample().samples()}
    assert "memory" not in families
    assert "load" in families


@pytest.mark.parametrize("interval_s", [0, -1, 0.01, float("nan"), float("inf")])
def test_an_impossible_interval_is_refused(interval_s: float) -> None:
    with pytest.raises(ValueError, match="interval_s"):
        _core.MetricsCollector(interval_s)


def test_snapshot_of_a_recorded_tree() -> None:
    values = sysmon.snapshot(0.05, str(VM))
    assert isinstance(values["cpu.total_usage"], float)
    assert isinstance(values["disk.usage_percent"], dict)


def test_facts_are_json() -> None:
    assert json.loads(sysmon.facts())["cores"] >= 1
    assert json.loads(sysmon.facts(str(VM)))["kernel"]


def test_ring_refuses_the_newest_and_keeps_order() -> None:
    ring: _core.RingBuffer[str] = _core.RingBuffer(4)
    assert ring.capacity == 4
    assert [ring.try_push(item) for item in "abcde"] == [True] * 4 + [False]
    assert (len(ring), ring.dropped) == (4, 1)
    assert ring.try_pop() == "a"
    assert ring.drain() == ["b", "c", "d"]
    assert ring.try_pop() is None


def test_ring_lets_go_of_what_it_held() -> None:
    class Item:
        pass

    ring: _core.RingBuffer[Item] = _core.RingBuffer(4)
    items = [Item() for _ in range(3)]
    seen = [weakref.ref(item) for item in items]
    for item in items:
        ring.try_push(item)
    del items, item
    assert all(ref() is not None for ref in seen)
    ring.try_pop()
    gc.collect()
    assert seen[0]() is None
    del ring
    gc.collect()
    assert all(ref() is None for ref in seen)


def test_config_is_judged_with_its_place() -> None:
    assert _core.validate_agent_config("agent:\n  mode: local\n") == []
    (issue,) = _core.validate_agent_config("agent:\n  push_interval: soon\n", "my.yaml")
    assert (issue.level, issue.line, issue.key) == ("error", 2, "push_interval")
    assert str(issue).startswith("my.yaml:2:")
    settings = {setting["key"]: setting for setting in _core.agent_settings("agent:\n  push_interval: 20s\n")}
    assert settings["push_interval"]["value"] == "20s"
    assert settings["push_interval"]["default"] == "10s"
    assert settings["auth_token"]["secret"]
