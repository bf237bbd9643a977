"""What an operator sees: logs and metrics."""

from spamguard.server.watch.logs import log_configuration, log_failure, write_log
from spamguard.server.watch.telemetry import Metrics, drift_of

__all__ = ["Metrics", "drift_of", "log_configuration", "log_failure", "write_log"]
