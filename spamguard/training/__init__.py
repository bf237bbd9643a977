"""Training on labelled comments: estimator, recipes, retraining, corrections, review queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.training.classifier import SpamClassifier as SpamClassifier
    from spamguard.training.online import MOST as MOST
    from spamguard.training.online import SiteWeights as SiteWeights
    from spamguard.training.online import pack_step as pack_step
    from spamguard.training.queue import Decision as Decision
    from spamguard.training.queue import mark_of as mark_of
    from spamguard.training.queue import review_order as review_order
    from spamguard.training.queue import spread as spread
    from spamguard.training.recipe import Recipe as Recipe
    from spamguard.training.recipe import Settings as Settings
    from spamguard.training.recipe import TrainingRun as TrainingRun
    from spamguard.training.recipe import save_run as save_run
    from spamguard.training.recipe import train_corpus as train_corpus
    from spamguard.training.recipe import train_recipe as train_recipe
    from spamguard.training.retraining import LEAST as LEAST
    from spamguard.training.retraining import Doubt as Doubt
    from spamguard.training.retraining import Gate as Gate
    from spamguard.training.retraining import Outcome as Outcome
    from spamguard.training.retraining import audit as audit
    from spamguard.training.retraining import replace_model as replace_model
    from spamguard.training.retraining import retrain as retrain
    from spamguard.training.retraining import rollback as rollback
    from spamguard.training.tricks import ATTACKS as ATTACKS

__all__, __getattr__, __dir__ = attach(
    __name__,
    {
        "classifier": ["SpamClassifier"],
        "online": ["MOST", "SiteWeights", "pack_step"],
        "queue": ["Decision", "mark_of", "review_order", "spread"],
        "recipe": [
            "Recipe",
            "Settings",
            "TrainingRun",
            "save_run",
            "train_corpus",
            "train_recipe",
        ],
        "retraining": [
            "Doubt",
            "Gate",
            "LEAST",
            "Outcome",
            "audit",
            "replace_model",
            "retrain",
            "rollback",
        ],
        "tricks": ["ATTACKS"],
    },
)
