"""Entries, and a guest book whose lines are checked by spamguard."""

from django.db import models

from spamguard.integrations.django.checked import Checked


class Entry(models.Model):
    """A post."""

    title = models.CharField(max_length=200)
    body = models.TextField()

    class Meta:
        verbose_name_plural = "entries"

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        """Return the entry's address."""
        return f"/{self.pk}/"


class GuestLine(Checked, models.Model):
    """A line in the guest book. Any model with a text field can be checked."""

    text = models.TextField()
    name = models.CharField(max_length=80, blank=True)
    is_public = models.BooleanField(default=True)

    spamguard_author = "name"

    def __str__(self):
        return self.text[:40]
