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
    from spamguard.analysis.drift import Measured as Measured
    from spamguard.analysis.drift import compare as compare
    from spamguard.analysis.drift import drift_report as drift_report
    from spamguard.analysis.drift import measure as measure
    from spamguard.analysis.notebook import Highlight as Highlight
    from spamguard.analysis.notebook import highlight as highlight
    from spamguard.analysis.plots import attacks as attacks
    from spamguard.analysis.plots import campaigns as campaigns
    from spamguard.analysis.plots import confusion_by_blog as confusion_by_blog
    from spamguard.analysis.plots import contributions as contributions
    from spamguard.analysis.plots import drift as drift
    from spamguard.analysis.plots import figures_by_blog as figures_by_blog
    from spamguard.analysis.plots import learning_curve as learning_curve
    from spamguard.analysis.plots import over_time as over_time
    from spamguard.analysis.plots import png_of as png_of
    from spamguard.analysis.plots import precision_recall as precision_recall
    from spamguard.analysis.plots import reliability as reliability
    from spamguard.analysis.plots import reliability_of as reliability_of
    from spamguard.analysis.plots import roc as roc
    from spamguard.analysis.plots import save as save
    from spamguard.analysis.plots import thresholds as thresholds
    from spamguard.analysis.plots import weights as weights
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
        "drift": ["DriftReport", "Measured", "compare", "drift_report", "measure"],
        "notebook": ["Highlight", "highlight"],
        "plots": [
            "attacks",
            "campaigns",
            "confusion_by_blog",
            "contributions",
            "drift",
            "figures_by_blog",
            "learning_curve",
            "over_time",
            "png_of",
            "precision_recall",
            "reliability",
            "reliability_of",
            "roc",
            "save",
            "thresholds",
            "weights",
        ],
        "report": ["Report", "evaluate_attacks", "evaluate_corpus", "evaluate_first_labels"],
        "spark": ["score_spark"],
        "tables": ["feature_table", "features_frame", "reasons_frame"],
    },
)
