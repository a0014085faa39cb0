"""docs/configuration.md: the agent's settings from the core's table, the aggregator's from its example file.

A test holds the example file against the settings that the aggregator takes, and against their defaults.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sysmon import agent_settings
from sysmon.aggregator.settings import KEYS, LimitSettings, RetentionSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE = Path("config") / "aggregator.yaml.example"
_LINE = re.compile(r"^(?:# )?( *)([a-z_]+|raw|5m|1h):(?: +([^#]*?))?(?: +# (.*))?$")
_HELP = {
    "auth_tokens": "list: tokens of agents; two at once make rotation easy",
    "auth_token": "text: one token of agents",
    "auth_token_file": "path: such tokens, one a line",
    "read_tokens": "list: tokens that may read",
    "read_token": "text: one token that may read",
    "read_token_file": "path: such tokens, one a line",
    "admin_token": "text: may change and delete; without one `<data_dir>/admin_token` is made, 0600",
    "admin_token_file": "path: that token",
    "retention": "ages of samples and cells, see below",
    "limits": "what a request, a host and a query may cost, see below",
}


def configuration_page() -> str:
    """Every setting of agent and aggregator: default, meaning, variable."""
    lines = [
        "# Configuration",
        "",
        "Made from the code by `python -m sysmon.docs`. `sysmon config list --origin` shows what holds on a",
        "machine and where it comes from, `sysmon config validate` every mistake with its line and column.",
        "",
        "Flags win over variables (`SYSMON_` and the key in capitals), variables over the file, the file",
        "over defaults. One file is read. A file that holds a secret has to be private (mode 0600).",
        "",
        "## The agent",
        "",
        "`--config FILE`, else `~/.sysmon/agent.yaml`, else `/etc/sysmon/agent.yaml`; below the key",
        "`agent:`. Without a file the agent is `sysmon up`: this machine alone.",
        "",
        "| setting | default | unit | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for setting in agent_settings():
        default = f"`{setting['default']}`" if setting["default"] else ""
        lines.append(
            f"| `{setting['key']}` | {default} | {_cell(setting['unit'])} | {_cell(setting['help'])} |"
        )
    lines += [
        "",
        "## The aggregator",
        "",
        "`--config FILE`, else `~/.sysmon/aggregator.yaml`, which may be missing.",
        "",
        "| setting | default | meaning |",
        "| --- | --- | --- |",
        *_aggregator_rows(),
        "",
        "### limits",
        "",
        "What a request, a host and a query may cost; [the wire](formats/wire.md) says what each is of.",
        "",
        "| setting | default |",
        "| --- | --- |",
    ]
    lines += [f"| `limits.{name}` | `{default:,}` |" for name, default in _defaults(LimitSettings)]
    lines += ["", "### retention", "", "| setting | default |", "| --- | --- |"]
    lines += [f"| `retention.{name}` | `{default}` |" for name, default in _defaults(RetentionSettings)]
    return "\n".join(lines) + "\n"


def _defaults(shape: type[msgspec.Struct]) -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(shape):
        yield field.encode_name, field.default


def _aggregator_rows() -> Iterator[str]:
    comments: dict[str, str] = {}
    for line in _EXAMPLE.read_text(encoding="utf-8").splitlines():
        match = _LINE.match(line)
        if match and not match[1]:
            comments.setdefault(match[2], match[4] or "")
    defaults = dict(_defaults(Settings))
    for key in KEYS:
        default = defaults.get(key)
        shown = "" if default in (None, ()) or key in ("retention", "limits") else f"`{default}`"
        yield f"| `{key}` | {shown} | {_cell(_HELP.get(key) or comments[key])} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
