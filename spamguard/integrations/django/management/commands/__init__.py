"""``manage.py spamguard_import`` and ``manage.py spamguard_retrain``."""
