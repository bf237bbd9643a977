"""Given names from many languages.

A comment signed by a person and one signed by a trade read alike; often only the
name distinguishes them. The list includes everyday English words ("Mark", "Will",
"Grace"), because `author` looks at more than the name.
"""

from __future__ import annotations

from typing import Final

from spamguard.features.wordlists import all_words

GIVEN_NAMES: Final = all_words("given_names")
