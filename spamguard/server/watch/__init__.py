"""What an operator sees: logs and metrics."""

from spamguard.server.watch.telemetry import Metrics, drift_of

__all__ = ["Metrics", "drift_of"]
