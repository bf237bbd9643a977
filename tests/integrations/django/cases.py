"""Run by Django's own test runner, in the project of examples/django: see test_django.py."""

import re
import tempfile
from io import StringIO
from pathlib import Path
from unittest import mock, skipUnless

import django_comments
from blog.models import Entry, GuestLine
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import TransactionTestCase, override_settings

from spamguard import Comment
from spamguard.corpus import load_sample
from spamguard.errors import FeedbackError
from spamguard.feedback import Journal
from spamguard.integrations.django import signals
from spamguard.integrations.django.checks import check_order, check_settings
from spamguard.integrations.django.conf import site
from spamguard.integrations.django.moderation import SpamguardModerator

SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."
CLUB = "Our chess club meets each Friday evening, see http://chess.example for the place."
XTD = settings.COMMENTS_APP == "django_comments_xtd"


class Case(TransactionTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.journal = self.folder / "feedback.db"
        self.settings = {"JOURNAL": self.journal, "OWN_MODEL": self.folder / "own"}
        changed = override_settings(SPAMGUARD=self.settings)
        changed.enable()
        self.addCleanup(changed.disable)
        self.entry = Entry.objects.create(
            title="Slow pages, found", body="The second query had no index. It has one now."
        )
        self.anna = User.objects.create_superuser("anna", "anna@blog.example", None)

    def post(self, text, name="Mira", url=""):
        """Send a comment as a visitor's browser does, and return what was saved."""
        form = django_comments.get_form()(self.entry)
        data = {**form.initial, **form.generate_security_data(), "name": name, "comment": text}
        data |= {"email": "mira@reader.example", "url": url, "honeypot": ""}
        data |= {"followup": "", "reply_to": 0} if XTD else {}
        answer = self.client.post("/comments/post/", data)
        assert answer.status_code in (200, 302), answer.content
        return django_comments.get_model()._default_manager.order_by("-pk").first()

    def admin(self, action, *comments):
        model = type(comments[0])._meta
        data = {"action": action, "_selected_action": [c.pk for c in comments]}
        path = f"/admin/{model.app_label}/{model.model_name}/"
        return self.client.post(path, data, follow=True)

    def entries(self, comment):
        key = comment if isinstance(comment, str) else str(comment.pk)
        with Journal(self.journal) as journal:
            return [(e.kind, e.decision or e.label, e.by) for e in journal.entries(comment_id=key)]


class Comments(Case):
    def test_spam_waits_and_ham_is_published(self):
        spam, ham = self.post(SPAM, "cheap pills", "http://pills.example"), self.post(HAM)
        assert (spam.is_public, ham.is_public) == (False, True)
        assert self.entries(spam) == [("verdict", "spam", "")]
        assert self.entries(ham) == [("verdict", "ham", "")]

    def test_the_page_shows_what_is_published_only(self):
        self.post(SPAM, "cheap pills", "http://pills.example")
        self.post(HAM)
        page = self.client.get(self.entry.get_absolute_url()).content.decode()
        assert "missing an index here" in page
        assert "pills" not in page

    def test_the_post_and_the_thread_are_read(self):
        seen = []
        signals.check.connect(lambda **given: seen.append(given["verdict"]), weak=False)
        self.addCleanup(signals.check.receivers.clear)
        self.post(HAM)
        self.post("I copied this: " + HAM)
        names = {reason.feature for reason in seen[1].reasons}
        assert any(name.startswith("topic_thread") for name in names), names
        assert "topic_similarity" in names

    def test_what_moderators_say_is_learned_at_once(self):
        first = self.post(CLUB)
        self.client.force_login(self.anna)
        page = self.admin("mark_spam", first)
        assert b"1 comment was learned from" in page.content
        first.refresh_from_db()
        assert (first.is_public, first.is_removed) == (False, True)
        assert ("correction", "spam", "anna") in self.entries(first)
        # A club that the shipped model had not called spam is spam here now.
        self.client.logout()
        assert self.post(CLUB + " Welcome!", "Bob").is_public is False

        self.client.force_login(self.anna)
        self.admin("mark_not_spam", first)
        first.refresh_from_db()
        assert (first.is_public, first.is_removed) == (True, False)
        assert [e for e in self.entries(first) if e[0] == "correction"] == [
            ("correction", "spam", "anna"), ("correction", "ham", "anna"),
        ]  # fmt: skip
        self.client.logout()
        assert self.post(CLUB + " Come!", "Eve").is_public is True

    def test_djangos_own_moderation_is_learned_from(self):
        one, two = self.post(HAM), self.post(HAM + " Really.")
        self.client.force_login(self.anna)
        self.admin("approve_comments", one)
        self.admin("remove_comments", two)
        assert self.entries(one)[-1] == ("correction", "ham", "anna")
        assert self.entries(two)[-1] == ("correction", "remove", "anna")

    def test_the_actions_are_for_moderators(self):
        comment = self.post(HAM)
        clerk = User.objects.create_user("clerk", is_staff=True)
        model = type(comment)._meta
        clerk.user_permissions.set(
            Permission.objects.filter(
                codename__in=[f"{what}_{model.model_name}" for what in ("view", "change")]
            )
        )
        self.client.force_login(clerk)
        self.admin("mark_spam", comment)
        comment.refresh_from_db()
        assert comment.is_removed is False
        assert len(self.entries(comment)) == 1

    def test_moderators_own_comments_are_not_judged(self):
        self.client.force_login(self.anna)
        comment = self.post(SPAM, "cheap pills", "http://pills.example")
        assert comment.is_public is True
        assert self.entries(comment) == []

    def test_a_receiver_of_check_has_the_last_word(self):
        def friends(sender, comment, verdict, request, **_):
            assert request.path == "/comments/post/"
            return "ham" if comment.user_name == "Friend" else None

        def broken(**_):
            raise RuntimeError("not mine")

        signals.check.connect(friends)
        signals.check.connect(broken)
        self.addCleanup(signals.check.receivers.clear)
        with self.assertLogs("spamguard", "ERROR"):
            assert self.post(SPAM, "Friend", "http://pills.example").is_public is True
            assert self.post(SPAM, "Foe", "http://pills.example").is_public is False

    def test_learn_is_sent(self):
        told = []
        signals.learn.connect(lambda **given: told.append(given), weak=False)
        self.addCleanup(signals.learn.receivers.clear)
        comment = self.post(HAM)
        self.client.force_login(self.anna)
        self.admin("mark_spam", comment)
        ((given),) = told
        assert (given["decision"], given["by"], given["comment"]) == ("spam", "anna", comment)
        assert site().undo(given["entry"], by="anna") > given["entry"]

    def test_discard_refuses_only_what_the_model_promises(self):
        with override_settings(SPAMGUARD=self.settings | {"DISCARD": True}):
            before = django_comments.get_model()._default_manager.count()
            # Spam, but not so surely that it may be thrown away unseen.
            self.post("Our chess club meets on Friday, all welcome: http://chess.example")
            assert django_comments.get_model()._default_manager.count() == before + 1

    def test_a_journal_that_is_gone_costs_no_comment(self):
        site()
        broken = site().journal
        real, broken.record = broken.record, _fails
        self.addCleanup(setattr, broken, "record", real)
        with self.assertLogs("spamguard", "ERROR") as logs:
            assert self.post(HAM).is_public is True
        assert HAM not in str(logs.output)

    def test_what_cannot_be_judged_waits(self):
        nowhere = self.settings | {"JOURNAL": self.folder / "no" / "such" / "feedback.db"}
        with override_settings(SPAMGUARD=nowhere), self.assertLogs("spamguard", "ERROR"):
            comment = self.post(HAM)
            line = GuestLine.objects.create(text=HAM)
        assert (comment.is_public, line.is_public) == (False, False)
        with override_settings(SPAMGUARD=nowhere):
            self.client.force_login(self.anna)
            page = self.admin("mark_not_spam", comment)
        assert b'class="error"' in page.content
        comment.refresh_from_db()
        assert comment.is_public is False

    def test_a_decision_that_cannot_be_kept_is_not_acted_on(self):
        comment = self.post(HAM)
        broken = site().journal
        real, broken.correct = broken.correct, _fails
        self.addCleanup(setattr, broken, "correct", real)
        self.client.force_login(self.anna)
        page = self.admin("mark_spam", comment)
        assert b"The disk is full" in page.content
        comment.refresh_from_db()
        assert comment.is_removed is False


def _fails(*_, **__):
    raise FeedbackError("The disk is full; make room.")


@skipUnless(XTD, "only django-comments-xtd asks by e-mail")
class ConfirmedByMail(Case):
    def confirm(self, text, **more):
        """Send a comment, and follow the link in the mail that asks whether it was meant."""
        from django_comments_xtd.conf import settings as theirs

        with mock.patch.object(theirs, "COMMENTS_XTD_CONFIRM_EMAIL", True):
            assert self.post(text, **more) is None
            link = re.search(r"/comments/confirm/\S+", mail.outbox[-1].body).group()
            self.client.get(link)
        return django_comments.get_model()._default_manager.get()

    def test_ham_is_published(self):
        comment = self.confirm(HAM)
        assert comment.is_public is True
        assert self.entries(comment) == [("verdict", "ham", "")]

    def test_spam_waits(self):
        comment = self.confirm(SPAM, name="cheap pills", url="http://pills.example")
        assert comment.is_public is False
        assert self.entries(comment) == [("verdict", "spam", "")]


class AnyModel(Case):
    def test_a_line_is_judged_and_decided(self):
        spam = GuestLine.objects.create(text=SPAM, name="cheap pills")
        ham = GuestLine.objects.create(text=HAM, name="Mira")
        assert (spam.is_public, ham.is_public) == (False, True)
        assert self.entries(f"blog.guestline:{ham.pk}") == [("verdict", "ham", "")]
        self.client.force_login(self.anna)
        self.admin("mark_not_spam", spam)
        self.admin("mark_spam", ham)
        spam.refresh_from_db()
        ham.refresh_from_db()
        assert (spam.is_public, ham.is_public) == (True, False)
        assert self.entries(spam.spamguard_key())[-1] == ("correction", "ham", "anna")

    def test_what_is_there_is_not_judged_again(self):
        line = GuestLine.objects.create(text=HAM)
        line.text = SPAM
        line.save()
        assert line.is_public is True
        line.spamguard_check()
        assert line.is_public is False


class Commands(Case):
    def test_history_is_imported_once(self):
        ham, waiting, removed = self.post(HAM), self.post(SPAM), self.post(HAM + " Hm.")
        type(removed)._default_manager.filter(pk=removed.pk).update(is_removed=True)
        out = StringIO()
        call_command("spamguard_import", "--removed", "spam", stdout=out)
        assert out.getvalue().startswith("2 decisions entered, 0 were there")
        call_command("spamguard_import", "--removed", "spam", stdout=out)
        assert "0 decisions entered, 2 were there" in out.getvalue()
        assert ("correction", "ham", "spamguard_import") in self.entries(ham)
        assert ("correction", "spam", "spamguard_import") in self.entries(removed)
        assert len(self.entries(waiting)) == 1

    def test_only_approved(self):
        first, second = self.post(HAM), self.post(HAM + " Really.")
        self.client.force_login(self.anna)
        self.admin("approve_comments", second)
        call_command("spamguard_import", "--approved-only", stdout=StringIO())
        assert len(self.entries(first)) == 1
        assert ("correction", "ham", "spamguard_import") in self.entries(second)

    def test_retrain_serves_its_model_at_once(self):
        for row in load_sample().head(120).itertuples():
            comment = Comment(row.text, author=row.author, date=row.date)
            site().correct(f"s{row.Index}", row.label, by="anna", comment=comment)
        out = StringIO()
        call_command("spamguard_retrain", stdout=out)
        assert site().check(HAM).model.startswith("own")
        call_command("spamguard_retrain", "--rollback", stdout=out)
        assert site().check(HAM).model.startswith("default")

    def test_retrain_says_what_is_missing(self):
        with self.assertRaisesRegex(CommandError, "ten|10"):
            call_command("spamguard_retrain")
        without = {"JOURNAL": self.journal}
        with (
            override_settings(SPAMGUARD=without),
            self.assertRaisesRegex(CommandError, "OWN_MODEL"),
        ):
            call_command("spamguard_retrain")


class Settings(Case):
    def wrong(self, **changed):
        with override_settings(SPAMGUARD=self.settings | changed):
            return [(found.id, found.msg) for found in check_settings(None)]

    def test_right_ones_pass(self):
        assert self.wrong() == []
        assert check_order(None) == []

    def test_each_mistake_is_named(self):
        for name, value in {
            "JOURNAL": None, "MODEL": 3, "OWN_MODEL": 3, "SITE": None, "HOLD": "ham", "DISCARD": "no",
            "JURNAL": "x",
        }.items():  # fmt: skip
            ((kind, text),) = self.wrong(**{name: value})
            assert kind == "spamguard.E001"
            assert name in text
        ((kind, text),) = self.wrong(MODEL="not-there")
        assert kind == "spamguard.E003"
        with override_settings(SPAMGUARD=None), self.assertRaises(ImproperlyConfigured):
            site()

    def test_the_order_of_apps(self):
        configs = sorted(apps.get_app_configs(), key=lambda config: config.label != "spamguard")
        with mock.patch.object(apps, "get_app_configs", return_value=configs):
            ((found),) = check_order(None)
        assert found.id == "spamguard.W001"
        assert "django_comments" in found.hint

    def test_a_field_that_is_not_there(self):
        class Wrong(SpamguardModerator):
            text_field = "content"

        with self.assertRaisesRegex(ImproperlyConfigured, "text_field"):
            Wrong(Entry)
