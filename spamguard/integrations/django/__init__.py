"""spamguard as a Django app.

Add ``"spamguard.integrations.django"`` at the end of ``INSTALLED_APPS``, name the
journal (``SPAMGUARD = {"JOURNAL": BASE_DIR / "feedback.db"}``), and register a moderator:
`moderation.SpamguardModerator` for django-contrib-comments, `xtd.SpamguardXtdModerator`
for django-comments-xtd. For your own models there is the mixin `checked.Checked`. The
app has no tables, so it has no migrations.
"""
