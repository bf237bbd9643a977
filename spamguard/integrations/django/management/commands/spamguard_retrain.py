"""``manage.py spamguard_retrain``: train the site's own model on its moderators' decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from spamguard.errors import SpamguardError
from spamguard.integrations.django.conf import setting, site
from spamguard.scoring import model_of
from spamguard.storage import load_model
from spamguard.training import replace_model, retrain, rollback


class Command(BaseCommand):
    """Train a model on the labels in the journal, and use it if it is no worse."""

    help = (
        "Train a model of this site on the labels in the journal. It goes into "
        'SPAMGUARD["OWN_MODEL"], and is used from the next comment on, if it is no worse on the '
        "newest comments than the model in use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--dry-run", action="store_true", help="measure, but change nothing")
        parser.add_argument("--rollback", action="store_true", help="restore the previous model")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        if setting("OWN_MODEL") is None:
            raise CommandError('Name a directory for the model: SPAMGUARD["OWN_MODEL"].')
        target = Path(setting("OWN_MODEL"))
        try:
            if options["rollback"]:
                self.stdout.write(f"{rollback(target).title} is in use again")
            else:
                self._retrain(target, options["dry_run"])
        except SpamguardError as error:
            raise CommandError(str(error)) from error

    def _retrain(self, target: Path, dry_run: bool) -> None:
        frame = site().journal.corpus(setting("SITE"))
        base = model_of(setting("MODEL"))
        current = load_model(target) if (target / "model.json").is_file() else None
        outcome = retrain(frame, base=base, current=current)
        self.stdout.write(outcome.gate.why)
        if not outcome.gate.passed:
            raise CommandError("Nothing was changed.", returncode=3)
        if dry_run:
            self.stdout.write("nothing was changed: --dry-run")
            return
        replace_model(outcome.model, target, name=target.name, former=base)
        self.stdout.write("in use; back with: manage.py spamguard_retrain --rollback")
