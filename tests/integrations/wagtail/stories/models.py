from django.db import models
from wagtail.models import Page

from spamguard.integrations.django.checked import Checked


class Story(Checked, Page):
    """A page that readers send in."""

    body = models.TextField()
    sender = models.CharField(max_length=80, blank=True)

    spamguard_text = "body"
    spamguard_author = "sender"
    spamguard_public = "live"
