"""spamguard as a Django app.

Put ``"spamguard.integrations.django"`` at the end of ``INSTALLED_APPS``, say where
the journal is (``SPAMGUARD = {"JOURNAL": BASE_DIR / "feedback.db"}``), and register
a moderator: `moderation.SpamguardModerator` for django-contrib-comments,
`xtd.SpamguardXtdModerator` for django-comments-xtd. A model of your own takes
the mixin `checked.Checked`. There are no tables, so there are no migrations.
"""
