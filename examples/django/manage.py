#!/usr/bin/env python
"""A blog with comments and spamguard in front of them."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "blog.settings")
    execute_from_command_line(sys.argv)
