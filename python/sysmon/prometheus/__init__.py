"""Prometheus' side of the registry: names, text exposition, and the selectors of `/federate`."""
