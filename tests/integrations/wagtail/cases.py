"""Run by Django's own test runner: see test_wagtail.py."""

from django.test import TransactionTestCase
from stories.models import Story
from wagtail.models import Locale, Page, Site

from spamguard.feedback import Journal
from spamguard.integrations.django.conf import setting

SPAM = "Great post! Buy cheap viagra and cialis at http://pills.example now, order cheap pills"
HAM = "Thanks, the second query was missing an index here as well. It takes 40 ms now."


class Stories(TransactionTestCase):
    def setUp(self):
        Locale.objects.get_or_create(language_code="en")
        self.root = Page.add_root(title="Root", slug="root")
        home = self.root.add_child(title="Home", slug="home")
        Site.objects.create(hostname="testserver", root_page=home, is_default_site=True)
        self.home = home

    def add(self, slug, text, sender):
        return self.home.add_child(instance=Story(title=slug, slug=slug, body=text, sender=sender))

    def test_what_readers_send_in_is_judged_and_learned_from(self):
        spam, ham = self.add("pills", SPAM, "cheap pills"), self.add("index", HAM, "Mira")
        assert (spam.live, ham.live) == (False, True)
        assert self.client.get("/pills/").status_code == 404
        ham.spamguard_decide("spam", by="anna")
        assert Story.objects.get(pk=ham.pk).live is False
        ham.spamguard_decide("ham", by="anna")
        assert Story.objects.get(pk=ham.pk).live is True
        with Journal(setting("JOURNAL")) as journal:
            kept = [(e.comment_id, e.decision or e.label) for e in journal.entries()]
        assert kept == [
            (f"stories.story:{spam.pk}", "spam"), (f"stories.story:{ham.pk}", "ham"),
            (f"stories.story:{ham.pk}", "spam"), (f"stories.story:{ham.pk}", "ham"),
        ]  # fmt: skip
