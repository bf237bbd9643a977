"""The retrain page: start a retraining, watch it, compare the models, use the new one, go back."""

from __future__ import annotations

import json
import shutil
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from spamguard.display import share
from spamguard.errors import ModelNotFoundError, ServerError
from spamguard.feedback import stamp
from spamguard.server.pages import retrain_jobs
from spamguard.server.pages.decisions import record_action
from spamguard.server.pages.rendering import now, number
from spamguard.server.pages.requests import PREFIX, Visit
from spamguard.storage import load_model
from spamguard.training import LEAST, replace_model, rollback

_SHOWN: Final = 10
_MESSAGES: Final = {
    "used": "The new model is in use.",
    "back": "The previous model is in use again.",
}
_STAGES: Final = {
    "start": "Starting", "load": "Loading the model", "read": "Reading the comments",
    "learn": "Learning and comparing",
}  # fmt: skip


def show(visit: Visit) -> Response:
    """Show the page; to the script, the progress of the last retraining."""
    site = visit.site(visit.parameter("site"))
    history = retrain_jobs.latest(visit.worker.journal.database, site.id, _SHOWN)
    last = history[0] if history else None
    stage = "" if last is None else _STAGES.get(last.stage, last.stage)
    if visit.wants_json:
        if last is None:
            raise HTTPException(404, "Nothing was retrained yet.")
        return JSONResponse(
            {"state": last.state, "stage": stage, "done": last.done, "total": last.total}
        )
    report = _report(last)
    place = visit.worker.models.directory_of(site.id)
    return visit.render(
        "retrain.html",
        site=site.name,
        sites=[each.name for each in visit.sites()],
        labels=visit.worker.journal.summary(site.name),
        least=LEAST,
        last=last,
        stage=stage,
        report=report,
        sides=_sides(report),
        history=[(row, _report(row)) for row in history],
        usable=last is not None and last.state == "passed" and last.used_at is None,
        model=visit.worker.models.of(site.id).title,
        is_own=(place / "model.json").is_file(),
        has_former=(place / "former" / "model.json").is_file(),
        url=f"{PREFIX}/retrain",
        message=_MESSAGES.get(visit.parameter("message"), ""),
    )


def start(visit: Visit) -> Response:
    """Start a retraining."""
    site = visit.site(visit.form_value("site"))
    database = visit.worker.journal.database
    job = retrain_jobs.start(database, visit.worker.config, site.id, visit.moderator.name)
    record_action(database, visit.moderator, "retrain", site.id, number=job)
    return visit.redirect("/retrain", site=site.name)


def use(visit: Visit) -> Response:
    """Replace the model in use by the one that passed."""
    site, worker = visit.site(visit.form_value("site")), visit.worker
    history = retrain_jobs.latest(worker.journal.database, site.id)
    usable = bool(history) and history[0].state == "passed" and history[0].used_at is None
    if not usable or str(history[0].id) != visit.form_value("number"):
        raise HTTPException(409, "This model is not the last one that passed; reload the page.")
    candidate = retrain_jobs.candidate_of(worker.config, site.id)
    model = load_model(candidate)
    place = worker.models.directory_of(site.id)
    replace_model(model, place, site.name, former=worker.models.shared)
    retrain_jobs.update(worker.journal.database, history[0].id, used_at=stamp(now()))
    shutil.rmtree(candidate, ignore_errors=True)
    _model_changed(visit, "use", site.id)
    return visit.redirect("/retrain", site=site.name, message="used")


def back(visit: Visit) -> Response:
    """Return to the previous model."""
    site = visit.site(visit.form_value("site"))
    try:
        rollback(visit.worker.models.directory_of(site.id))
    except ModelNotFoundError:
        raise ServerError("This site has no previous model: nothing was replaced yet.") from None
    _model_changed(visit, "rollback", site.id)
    return visit.redirect("/retrain", site=site.name, message="back")


def _model_changed(visit: Visit, kind: str, site: int) -> None:
    visit.worker.models.check()  # this worker at once, the others within a second
    model = visit.worker.models.of(site).title
    record_action(visit.worker.journal.database, visit.moderator, kind, site, model=model)


def _report(row: Any) -> dict[str, Any] | None:
    if row is None or row.report is None:
        return None
    try:
        report: dict[str, Any] = json.loads(row.report)
    except ValueError as error:
        raise ServerError("The report of a retraining is damaged; retrain again.") from error
    return report


def _sides(report: dict[str, Any] | None) -> list[tuple[str, str, str, str]]:
    """Return the rows of the gate's table: name, model in use, new model, its interval."""
    if report is None or "gate" not in report:
        return []
    gate = report["gate"]
    rows = []
    for name, side, before, after, interval in (
        ("Real comments called spam", "ham", "ham_lost_before", "ham_lost", "ham_lost_range"),
        ("Spam caught", "spam", "spam_caught_before", "spam_caught", "spam_caught_range"),
    ):
        total = gate[side]
        in_use, new = (
            f"{number(gate[k])} of {number(total)} ({share(gate[k] / total if total else None)})"
            for k in (before, after)
        )
        low, high = gate[interval]
        rows.append((name, in_use, new, f"{share(low)} to {share(high)}"))
    return rows
