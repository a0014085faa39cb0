"""Delivered once: the real store and protocol against a set of numbers, in whatever order."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from delivery_machine import DeliveryMachine

TestDelivery = DeliveryMachine.TestCase
TestDelivery.settings = settings(
    max_examples=int(os.environ.get("SYSMON_MACHINE_EXAMPLES", "8")),
    stateful_step_count=30,
    derandomize="SYSMON_MACHINE_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
