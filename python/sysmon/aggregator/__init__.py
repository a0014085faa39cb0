"""The aggregator: takes pushes of many hosts, stores them durably, and answers for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sysmon.aggregator.service import Aggregator

if TYPE_CHECKING:
    from flask import Flask

    from sysmon.aggregator.settings import Settings

__all__ = ["Aggregator", "create_app"]


def create_app(config: Settings) -> Flask:
    """The aggregator as one complete Flask application, for any WSGI server; it starts no thread."""
    return Aggregator(config).app
