"""Hosts are run for real, each in a process of its own where it is global."""

collect_ignore = ["django", "wagtail"]  # run by Django's own test runner
