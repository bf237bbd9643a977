"""``python -m spamguard``."""

import sys

from spamguard.cli import main

sys.exit(main())
