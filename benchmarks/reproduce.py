"""Train the shipped model again from its recipe and compare.

With the same type of machine and the same versions the bytes are the same.
Elsewhere sums may round differently. Then the probabilities of the golden
comments must agree closely on average, or the check fails. A few may differ
more, because a label that is almost doubted may be doubted after all.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from spamguard import load_model
from spamguard.corpus import comments_of, load_sample
from spamguard.training.recipe import Recipe, save_run, train_recipe

HOME = Path(__file__).resolve().parent.parent / "models" / "default"
CLOSE_MEAN, CLOSE_EACH = 0.02, 0.2


def _hashes(directory: Path) -> dict[str, str]:
    files = [*directory.glob("weights-*.npz"), directory / "golden.jsonl", directory / "model.json"]
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def main() -> int:
    trained = train_recipe(Recipe.read(HOME / "recipe.toml"), n_jobs=2)
    with tempfile.TemporaryDirectory() as directory:
        made = save_run(trained, Path(directory) / "default")
        if _hashes(made) == _hashes(HOME):
            print("the same bytes")
            return 0
        model = load_model(made)
    frame = load_sample()
    comments = dict(zip(frame["comment_id"], comments_of(frame), strict=True))
    gaps = []
    for line in (HOME / "golden.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        found = model.verdict(comments[entry["comment_id"]]).spam_probability
        gaps.append(abs(found - entry["spam_probability"]))
    mean, worst = sum(gaps) / len(gaps), max(gaps)
    print(f"other bytes; golden probabilities differ by {mean:.4f} on average, {worst:.4f} at most")
    return int(mean > CLOSE_MEAN or worst > CLOSE_EACH)


if __name__ == "__main__":
    sys.exit(main())
