"""For analysts: reports, drift, campaigns, tables, plots and notebook views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.analysis.campaigns import Campaign as Campaign
    from spamguard.analysis.campaigns import campaigns_frame as campaigns_frame
    from spamguard.analysis.campaigns import find_campaigns as find_campaigns
    from spamguard.analysis.campaigns import sizes_over_time as sizes_over_time
    from spamguard.analysis.drift import DriftReport as DriftReport
    from spamguard.analysis.drift import drift_report as drift_report
    from spamguard.analysis.notebook import Highlight as Highlight
    from spamguard.analysis.notebook import highlight as highlight
    from spamguard.analysis.report import Report as Report
    from spamguard.analysis.report import evaluate_attacks as evaluate_attacks
    from spamguard.analysis.report import evaluate_corpus as evaluate_corpus
    from spamguard.analysis.report import evaluate_first_labels as evaluate_first_labels
    from spamguard.analysis.spark import score_spark as score_spark
    from spamguard.analysis.tables import feature_table as feature_table
    from spamguard.analysis.tables import features_frame as features_frame
    from spamguard.analysis.tables import reasons_frame as reasons_frame

__all__, __getattr__, __dir__ = attach(
    __name__,
    {
        "campaigns": ["Campaign", "campaigns_frame", "find_campaigns", "sizes_over_time"],
        "drift": ["DriftReport", "drift_report"],
        "notebook": ["Highlight", "highlight"],
        "report": ["Report", "evaluate_attacks", "evaluate_corpus", "evaluate_first_labels"],
        "spark": ["score_spark"],
        "tables": ["feature_table", "features_frame", "reasons_frame"],
    },
)
