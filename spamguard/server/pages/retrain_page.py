"""The retrain page: start, watch, compare, use, and go back."""

from __future__ import annotations

import json
import shutil
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from spamguard.errors import ModelNotFoundError, ServerError, SpamguardError
from spamguard.feedback import stamp
from spamguard.server.pages import decisions as deciding
from spamguard.server.pages import retrain_jobs as runs
from spamguard.server.pages.rendering import now, percent
from spamguard.server.pages.requests import PREFIX, Visit
from spamguard.storage import load_model
from spamguard.training import LEAST, replace_model, rollback

_SHOWN: Final = 10
_SAID: Final = {
    "used": "The new model is in use.",
    "back": "The former model is in use again.",
    "started": "Started.",
}
_STAGES: Final = {
    "start": "Starting", "load": "Loading the model", "read": "Reading the comments",
    "learn": "Learning and comparing",
}  # fmt: skip


def show(visit: Visit) -> Response:
    """Show the page; to the script, how far the last retraining is."""
    site = visit.site(visit.asked("site"))
    history = runs.last(visit.services.journal.database, site.id, _SHOWN)
    last = history[0] if history else None
    stage = "" if last is None else _STAGES.get(last.stage, last.stage)
    if visit.wants_json:
        if last is None:
            raise HTTPException(404, "Nothing was retrained yet.")
        return JSONResponse(
            {"state": last.state, "stage": stage, "done": last.done, "total": last.total}
        )
    report = _report(last)
    place = visit.services.models.directory_of(site.id)
    return visit.render(
        "retrain.html",
        site=site.name,
        sites=[each.name for each in visit.sites()],
        labels=visit.services.journal.summary(site.name),
        least=LEAST,
        last=last,
        stage=stage,
        report=report,
        sides=_sides(report),
        history=[(row, _report(row)) for row in history],
        usable=last is not None and last.state == "passed" and last.used_at is None,
        model=visit.services.models.of(site.id).title,
        is_own=(place / "model.json").is_file(),
        has_former=(place / "former" / "model.json").is_file(),
        url=f"{PREFIX}/retrain",
        said=_SAID.get(visit.asked("said"), ""),
    )


def start(visit: Visit) -> Response:
    """Start a retraining."""
    site = visit.site(visit.sent("site"))
    database = visit.services.journal.database
    number = runs.begin(database, visit.services.config, site.id, visit.moderator.name)
    deciding.note(database, visit.moderator, "retrain", site.id, number=number)
    return visit.to("/retrain", site=site.name)


def use(visit: Visit) -> Response:
    """Put the model that passed in the place of the one in use."""
    site = visit.site(visit.sent("site"))
    services = visit.services
    history = runs.last(services.journal.database, site.id)
    number = visit.sent("number")
    fits = bool(history) and history[0].state == "passed" and history[0].used_at is None
    if not fits or str(history[0].id) != number:
        raise HTTPException(409, "This model is not the last one that passed; look again.")
    candidate = runs.candidate_of(services.config, site.id)
    model = load_model(candidate)
    place = services.models.directory_of(site.id)
    replace_model(model, place, site.name, former=services.models.shared)
    runs.tell(services.journal.database, history[0].id, used_at=stamp(now()))
    shutil.rmtree(candidate, ignore_errors=True)
    _changed(visit, "use", site.id)
    return visit.to("/retrain", site=site.name, said="used")


def back(visit: Visit) -> Response:
    """Put the former model back."""
    site = visit.site(visit.sent("site"))
    try:
        rollback(visit.services.models.directory_of(site.id))
    except ModelNotFoundError:
        raise ServerError("this site keeps no former model: nothing was replaced yet.") from None
    _changed(visit, "rollback", site.id)
    return visit.to("/retrain", site=site.name, said="back")


def _changed(visit: Visit, kind: str, site: int) -> None:
    visit.services.models.check()  # this worker at once, the others within a second
    model = visit.services.models.of(site).title
    deciding.note(visit.services.journal.database, visit.moderator, kind, site, model=model)


def _report(row: Any) -> dict[str, Any] | None:
    if row is None or row.report is None:
        return None
    try:
        found: dict[str, Any] = json.loads(row.report)
    except ValueError as error:
        raise SpamguardError("the report of a retraining is damaged; retrain again.") from error
    return found


def _sides(report: dict[str, Any] | None) -> list[tuple[str, str, str, str]]:
    """Return the gate's figures side by side: what, model in use, new model, its interval."""
    if report is None or "gate" not in report:
        return []
    gate = report["gate"]
    found = []
    for words, n, before, after, within in (
        ("Real comments called spam", "ham", "ham_lost_before", "ham_lost", "ham_lost_range"),
        ("Spam caught", "spam", "spam_caught_before", "spam_caught", "spam_caught_range"),
    ):
        of = gate[n]
        then, new = (
            f"{gate[k]:,} of {of:,} ({percent(gate[k] / of if of else None)})"
            for k in (before, after)
        )
        low, high = gate[within]
        found.append((words, then, new, f"{percent(low)} to {percent(high)}"))
    return found
