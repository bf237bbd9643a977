"""How good a model is: metrics with intervals, decision thresholds that are promises, replay of a site's past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.evaluation.history import Month as Month
    from spamguard.evaluation.history import Replay as Replay
    from spamguard.evaluation.history import Shadow as Shadow
    from spamguard.evaluation.history import Tally as Tally
    from spamguard.evaluation.history import replay as replay
    from spamguard.evaluation.metrics import Figure as Figure
    from spamguard.evaluation.metrics import average_precision as average_precision
    from spamguard.evaluation.metrics import blog_metrics as blog_metrics
    from spamguard.evaluation.metrics import checked_pair as checked_pair
    from spamguard.evaluation.metrics import checked_share as checked_share
    from spamguard.evaluation.metrics import checked_whole as checked_whole
    from spamguard.evaluation.metrics import clopper_pearson as clopper_pearson
    from spamguard.evaluation.metrics import cluster_bootstrap as cluster_bootstrap
    from spamguard.evaluation.metrics import curve_bootstrap as curve_bootstrap
    from spamguard.evaluation.metrics import ece as ece
    from spamguard.evaluation.metrics import macro_mean as macro_mean
    from spamguard.evaluation.metrics import mcc as mcc
    from spamguard.evaluation.metrics import recall_at_fpr as recall_at_fpr
    from spamguard.evaluation.metrics import reliability as reliability
    from spamguard.evaluation.metrics import roc_auc as roc_auc
    from spamguard.evaluation.site_thresholds import Action as Action
    from spamguard.evaluation.site_thresholds import SiteThreshold as SiteThreshold
    from spamguard.evaluation.site_thresholds import gatherings as gatherings
    from spamguard.evaluation.site_thresholds import threshold_on as threshold_on
    from spamguard.evaluation.site_thresholds import with_threshold as with_threshold
    from spamguard.evaluation.thresholds import Promise as Promise
    from spamguard.evaluation.thresholds import Threshold as Threshold
    from spamguard.evaluation.thresholds import ham_lost_by_group as ham_lost_by_group
    from spamguard.evaluation.thresholds import ham_needed as ham_needed
    from spamguard.evaluation.thresholds import refuting_groups as refuting_groups
    from spamguard.evaluation.thresholds import (
        threshold_for_max_ham_lost as threshold_for_max_ham_lost,
    )
    from spamguard.evaluation.thresholds import (
        threshold_for_min_precision as threshold_for_min_precision,
    )

__all__, __getattr__, __dir__ = attach(
    __name__,
    {
        "history": ["Month", "Replay", "Shadow", "Tally", "replay"],
        "metrics": [
            "Figure",
            "average_precision",
            "blog_metrics",
            "checked_pair",
            "checked_share",
            "checked_whole",
            "clopper_pearson",
            "cluster_bootstrap",
            "curve_bootstrap",
            "ece",
            "macro_mean",
            "mcc",
            "recall_at_fpr",
            "reliability",
            "roc_auc",
        ],
        "site_thresholds": [
            "Action",
            "SiteThreshold",
            "gatherings",
            "threshold_on",
            "with_threshold",
        ],
        "thresholds": [
            "Promise",
            "Threshold",
            "ham_lost_by_group",
            "ham_needed",
            "refuting_groups",
            "threshold_for_max_ham_lost",
            "threshold_for_min_precision",
        ],
    },
)
