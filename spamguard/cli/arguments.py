"""The commands, their options and their help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, Final

DEFAULT_REASONS: Final = 5
DEFAULT_PORT: Final = 8137
DEFAULT_DATABASE: Final = "spamguard-server.db"

# Spelt out, because the help must not wait for the importers; a test compares them.
SOURCES: Final = (
    *("wordpress", "wordpress-db", "wordpress-json", "disqus", "isso", "remark42"),
    *("blogger", "movabletype", "staticman", "csv", "jsonl"),
)

_TOP = """\
Tells whether a blog comment is spam, why, and how sure it is.
Everything runs on this machine; nothing is sent anywhere.
"""
_TOP_EXAMPLES = """\
examples:
  spamguard demo                                  see it at work on a sample post
  spamguard score "Great post! Visit http://pills.example"
                                                  judge one comment
  spamguard score --input comments.csv            judge a file of comments
  spamguard score --help                          what a command can do
"""

_SCORE = """\
Judge one comment, or a stream of them.

Without TEXT, comments are read as JSON lines or CSV from --input or standard
input, or as Parquet from --input (which needs spamguard[parquet]), however many, and answered in the same order as they come. Fields that are
read: text (needed), author, author_url, date, post_title, post_text, post_url,
post_author; in JSON lines also post_thread, a list of the earlier comments'
texts, and an object "post" with title, text, url, author, date and thread.
CSV may be parted by commas, semicolons or tabs. Every field of the input is
kept, and spam_probability, label (ham, unsure or spam) and discard are added;
a field of yours by one of these names is kept as given_label and so on,
numbered if there is one already. A line that cannot be used is reported by its
number and left out; the exit code is then 1.

A person sees a table, a pipe gets JSON lines; --format decides otherwise.

An output file appears when it is whole. What is done of a long one stands in
FILE.part; if the work is interrupted, the same command with --resume goes on
where it stopped. Parquet, which ends with its table of contents, is begun anew.
"""
_SCORE_EXAMPLES = """\
examples:
  spamguard score "Great post! Visit http://pills.example" --explain
  spamguard score "It was the index." --post @post.md --author Mira
  spamguard score --input comments.csv --output scored.csv --resume --jobs 4
  cat comments.jsonl | spamguard score --explain 3 > scored.jsonl
"""

_MODELS = """\
List the installed models: what they were trained on, how they were measured
and where their decision thresholds lie. With NAME, print that model's card.
"""
_MODELS_EXAMPLES = """\
examples:
  spamguard models
  spamguard models default
  spamguard models ./mysite-1 --json
"""

_DATASETS = """\
List the sets of labelled comments that spamguard knows. The sets do not ship,
because their comments belong to the people who wrote them; --datasets, or the
variable SPAMGUARD_DATASETS, names the directory that holds yours. With NAME,
show all that is known of one set, its faults included.
"""
_DATASETS_EXAMPLES = """\
examples:
  spamguard datasets
  spamguard datasets youtube-tubespam
  spamguard datasets --datasets ~/sets --verify
"""

_CHECK_PR = """\
Judge the comment that a pull request brings, as Staticman and its like open them.
The post is taken from the repository if it is there. One object in JSON is
printed: "label", the worst of the labels; "comments", each file's verdict; and
"others", what else the request changes. A request with others is never "ham".

Name the comments' files, or say with --since what the request is to be merged
into; "-" reads one comment from standard input, as an object in JSON.

The exit code tells the label: 0 ham (or no comment), 3 unsure, 4 spam.
"""
_CHECK_PR_EXAMPLES = """\
examples:
  spamguard check-pr --since origin/main
  spamguard check-pr _data/comments/slow-pages/entry1700000000.yml
  echo '{"message": "Which oven?", "name": "Mira"}' | spamguard check-pr -
"""

_DEMO = """\
Show one post of the sample that ships with spamguard and what the model says
about each comment under it, with the strongest reasons.
"""
_DEMO_EXAMPLES = """\
examples:
  spamguard demo
  spamguard demo --post p09                       a post in French
  spamguard demo | less
"""

_TRAIN = """\
Train a model: on your own labelled comments (--corpus), or again after a
recipe (--recipe), which names its sets by hash and so makes the same model.

A corpus is a .csv, .jsonl or .jsonl.gz file with the fields text and label
(ham or spam), and as many as you have of author, author_url, date, post_id,
post_title, post_text and blog.
"""
_TRAIN_EXAMPLES = """\
examples:
  spamguard train --corpus moderated.csv --output mysite-1
  spamguard score --model mysite-1 "Nice one, thanks"
  spamguard train --recipe models/default/recipe.toml --datasets ~/sets
"""

_EVALUATE = """\
Measure a model on labelled comments of your own, with intervals. The report is
printed as Markdown; --output keeps all figures as JSON.
"""
_EVALUATE_EXAMPLES = """\
examples:
  spamguard evaluate moderated.csv
  spamguard evaluate moderated.csv --model models/mysite --output figures.json
"""


_THRESHOLDS = """\
Find the cut that keeps a promise on labelled comments of your own: how much
spam it catches, how many real comments it loses, and at most how many it will
lose of those still to come. Where the comments are too few to support the
promise, it says how many are missing. --save writes a copy of the model that
calls comments spam from that cut on.

Give comments that the model has not learned from, or the promise is worth
nothing: the shipped model has seen none of yours, one that you trained has seen
what you trained it on. CORPUS is read as by "spamguard train".
"""
_THRESHOLDS_EXAMPLES = """\
examples:
  spamguard thresholds moderated.csv --max-ham-lost 0.01
  spamguard thresholds moderated.csv --min-precision 0.998 --spam-share 0.9
  spamguard thresholds moderated.csv --max-ham-lost 0.005 --save mysite-1
"""


_IMPORT = """\
Turn a blog's own history into labelled comments.

SOURCE is what PATH was exported from:
  wordpress       Tools, Export (WXR). WordPress leaves its spam out of it
  wordpress-db    the database, as mysql://user:password@host/name; env:NAME
                  reads that from a variable. Has the spam, and who decided
  wordpress-json  the REST API's comments, or wp comment list --format=json
  disqus          the XML export
  isso            its database, comments.db
  remark42        its backup
  blogger         the backup, or feed.atom of Google Takeout
  movabletype     Export Entries; TypePad writes the same
  staticman       a clone of the blog's repository: requests, deleted files
  csv, jsonl      any other; --column says which column is which

Labelled comments go to --output; beside it, in files named after it, those
that nobody decided on (unlabelled) and pingbacks. Every label says who decided
(label_by: owner, filter or none). E-mail and IP addresses are left out unless
asked for. The files appear whole or not at all.
"""
_IMPORT_EXAMPLES = """\
examples:
  spamguard import wordpress blog.xml -o corpus.jsonl
  spamguard import wordpress-db env:BLOG_DB -o corpus.jsonl --trust owner
  spamguard import staticman ./blog -o corpus.jsonl --pulls pulls.json
  spamguard import csv old.csv -o corpus.jsonl --column text=message
"""


_FEEDBACK = """\
Keep what moderators decide, in a file that loses nothing, and hand it out as
labelled comments to learn from. FILE is the journal, such as feedback.db; or
the URL of a database that several machines share, or env:NAME for one that
stands in a variable. The first "add" makes it.

  add      a decision: spam, ham, or remove (take away, but do not learn)
  list     what was entered, the latest last; without the comments' texts
  undo     take an entry back; an undo can be undone as well
  forget   a comment: its text leaves the file, its label the next model
  export   the labels in force, as a corpus for "spamguard train"

"spamguard feedback FILE add --help" and so on tell more of each.
"""
_FEEDBACK_EXAMPLES = """\
examples:
  spamguard feedback feedback.db add --by anna 1207 spam --text "Cheap pills"
  spamguard feedback feedback.db list
  spamguard feedback feedback.db undo 3 --by anna
  spamguard feedback feedback.db export --output corpus.jsonl
"""
_FEEDBACK_ADD = """\
Enter a decision about the comment ID, or many from --input: JSON lines or CSV
with the fields comment_id, label (spam, ham or remove), text, and as many as
you have of author, author_url, date, post_id, post_title, post_text, post_url,
post_author, site, by and at (when it was decided). Without a text, the journal
must have the comment already. A line that cannot be used is reported by its
number and left out; the exit code is then 1.
"""


_SERVE = """\
Start a server that speaks Akismet's protocol, so that any blog with an Akismet
client can be answered from your own machine. It listens on this machine alone
unless --host says otherwise, makes its database and a first key, and prints
what to put where. It fetches nothing and sends nothing.

Several workers share one database, a SQLite file or PostgreSQL by its URL
(env:NAME reads it from a variable). A model whose files are replaced is loaded
while the server works; one that is damaged changes nothing. SIGTERM stops it
when what is under way is answered.
"""
_SERVE_EXAMPLES = """\
examples:
  spamguard serve
  spamguard serve --database blog.db --workers 2 --retention 30
  spamguard serve --database env:SPAMGUARD_URL --privacy
"""

_SITES = """\
The sites of a server: each key is a site of its own, and what one site teaches
never counts on another unless both want that (set --gives, set --takes). A
running server sees changes at once.
"""
_SITES_EXAMPLES = """\
examples:
  spamguard sites add blog.example
  spamguard sites posts blog.example feed.xml
  spamguard sites set blog.example --unsure spam
"""

_MODERATORS = """\
Who may log in to the moderation pages of a server. A password is asked for here,
never given as an argument; only a slow hash of it is kept.
"""
_MODERATORS_EXAMPLES = """\
examples:
  spamguard moderators add anna
  spamguard moderators add ben --site blog.example
  spamguard moderators password anna
"""

_RETRAIN = """\
Learn from your own labelled comments, starting from a model that knows spam
already. The newest of both kinds are held back; the model in DIR is replaced
only if a candidate calls no more of those real comments spam, and catches no
less of that spam. Otherwise nothing changes, and the exit code is 3. Once DIR
has a model, those decide that are newer than all it has learned, if there are
five of each kind.

The former model is kept: --rollback puts it back. The same comments make the
same model. Ten comments of spam and ten real ones are the least; a hundred
make a difference. FILE is read as by "spamguard train", or it is a journal of
"spamguard feedback" (named .db or .sqlite, or by a URL); rows without a label
are passed over. A column "account" tells who labelled: no account's labels
outweigh those of the rest.
"""
_RETRAIN_EXAMPLES = """\
examples:
  spamguard retrain --from corpus.jsonl -o models/mysite
  spamguard retrain --from corpus.jsonl --from feedback.db -o models/mysite
  spamguard score --model models/mysite "Nice one, thanks"
  spamguard retrain -o models/mysite --rollback
"""

_AUDIT = """\
List the labels that look wrong, the most doubtful first, as JSON lines: where a
model that learned your other comments disagrees, or a near-copy has the other
label. Nothing is changed; correct the file and train again.
"""
_AUDIT_EXAMPLES = """\
examples:
  spamguard audit corpus.jsonl
  spamguard audit corpus.jsonl --most 20 > doubtful.jsonl
"""


_QUEUE = """\
Order comments without a label so that few decisions teach much: those that the
model is unsure of, unlike each other, near-copies as one. Printed as JSON
lines; put "label": "ham" or "spam" in and give the file to "spamguard retrain".
With --decided, the comments of CORPUS that such a file decides about are
printed with their labels, near-copies among them.
"""
_QUEUE_EXAMPLES = """\
examples:
  spamguard queue corpus.unlabelled.jsonl --most 50 > decide.jsonl
  spamguard queue corpus.jsonl --model models/mysite
  spamguard queue corpus.jsonl --decided decide.jsonl > decided.jsonl
"""

_REPLAY = """\
Score a site's past in the order in which it came, and tell month by month what
would have been caught and lost, beside what was decided then (the column
label). Nothing is learned or changed.
"""
_REPLAY_EXAMPLES = """\
examples:
  spamguard replay corpus.jsonl
  spamguard replay corpus.jsonl --disagreements > look.jsonl
"""


_DRIFT = """\
Tell what has changed between two lots of comments: which features and which
scores moved. Labels are not needed. Whole posts are dealt out anew many times,
so the chance that anything at all is reported where nothing moved is no more
than --alpha, however many columns are looked at.

Give two files, or one and the day from which comments count as new. Files are
.csv, .jsonl, .jsonl.gz or .parquet, as for "spamguard train".
"""
_DRIFT_EXAMPLES = """\
examples:
  spamguard drift last-year.jsonl this-month.jsonl
  spamguard drift history.csv --since 2024-05-01 --plot drift.png
"""

_CAMPAIGNS = """\
Find comments that say nearly the same under many posts and on several blogs,
with their sizes over time and the links and names they share. Texts of fewer
than five words belong to no campaign.

Files are .csv, .jsonl, .jsonl.gz or .parquet, as for "spamguard train"; where
they name no blog, each file is one.
"""
_CAMPAIGNS_EXAMPLES = """\
examples:
  spamguard campaigns history.jsonl
  spamguard campaigns blog1.csv blog2.csv --least 5 --json > campaigns.jsonl
"""


def parser_for() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    from spamguard import __version__

    parser = argparse.ArgumentParser(
        prog="spamguard",
        description=_TOP,
        epilog=_TOP_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"spamguard {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _score(commands)
    _demo(commands)
    _import(commands)
    _models(commands)
    _datasets(commands)
    _train(commands)
    _evaluate(commands)
    _thresholds(commands)
    _feedback(commands)
    _retrain(commands)
    _audit(commands)
    _queue(commands)
    _replay(commands)
    _serve(commands)
    _sites(commands)
    _moderators(commands)
    _check_pr(commands)
    _drift(commands)
    _campaigns(commands)
    return parser


_MODULES: Final = {
    "score": "spamguard.cli.score_command",
    "show": "spamguard.cli.show",
    "importing": "spamguard.cli.import_command",
    "models": "spamguard.cli.models_command",
    "learning": "spamguard.cli.train_command",
    "thresholds": "spamguard.cli.thresholds_command",
    "feedback": "spamguard.cli.feedback_command",
    "retrain": "spamguard.cli.retrain_command",
    "review": "spamguard.cli.review_command",
    "drift": "spamguard.cli.drift_command",
    "campaigns": "spamguard.cli.campaigns_command",
    "pullrequest": "spamguard.cli.check_pr_command",
    "serve": "spamguard.server.cli",
    "sites": "spamguard.cli.sites",
    "moderators": "spamguard.cli.moderators",
    "datasets": "benchmarks.protocols.datasets",
}


def _add(
    commands: Any, name: str, module: str, short: str, description: str, examples: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=short,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # A command reports wrong usage that the parser cannot see through its own parser.
    parser.set_defaults(module=_MODULES[module], usage_error=parser.error)
    return parser


def _score(commands: Any) -> None:
    parser = _add(
        commands, "score", "score", "judge one comment or a stream of them", _SCORE, _SCORE_EXAMPLES
    )
    parser.add_argument(
        "text", nargs="?", metavar="TEXT", help="the comment; without it, many are read"
    )
    parser.add_argument(
        "--input", metavar="FILE", help="comments to read (default: standard input, -)"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where to write (default: standard output, -)"
    )
    parser.add_argument(
        "--format", choices=("table", "jsonl", "csv", "parquet"),
        help="how to write (default: by the name of --output, else see above)",
    )  # fmt: skip
    parser.add_argument(
        "--in-format", choices=("jsonl", "csv", "parquet"),
        help="how to read (default: by the name of --input, else by the first character)",
    )  # fmt: skip
    parser.add_argument(
        "--post",
        metavar="TEXT|@FILE",
        help="text of the post, for comments that bring none of their own",
    )
    parser.add_argument("--post-title", metavar="TITLE", help="title of that post")
    parser.add_argument("--post-url", metavar="URL", help="address of that post")
    parser.add_argument("--author", metavar="NAME", help="name the visitor gave (with TEXT)")
    parser.add_argument("--author-url", metavar="URL", help="address the visitor gave (with TEXT)")
    parser.add_argument(
        "--explain", nargs="?", type=_count, const=DEFAULT_REASONS, metavar="N",
        help=f"add the N strongest reasons ({DEFAULT_REASONS} if N is left out); a table gathers "
        "those that belong together, JSON lines and CSV give each as the library does",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME|DIR", help="another model than the shipped one")
    parser.add_argument(
        "--prior", type=_share, metavar="SHARE",
        help="share of spam among all comments of your site, such as 0.02, that spam_probability "
        "is to speak of (default: the model's, which is 0.5 for the shipped one); label and "
        "discard stay as they are",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to share the work (-1: all cores)"
    )
    parser.add_argument(
        "--resume", action="store_true",
        help="go on where the same command with the same --output was interrupted",
    )  # fmt: skip


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1, such as 0.02")
    return share


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above zero, such as 3")
    return int(text)


def _jobs(text: str) -> int:
    if not re.fullmatch(r"-?[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, such as 4 or -1")
    return int(text)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name for a model; use letters, digits, dots, dashes and underscores"
        )
    return text


def with_explain_default(argv: Sequence[str]) -> list[str]:
    """Return `argv` with a bare ``--explain`` spelt out.

    An option whose value may be left out would otherwise swallow the TEXT behind it.
    """
    spelt: list[str] = []
    for here, following in zip(argv, [*argv[1:], ""], strict=False):
        if here == "--":
            return [*spelt, *argv[len(spelt) :]]
        bare = here == "--explain" and not re.fullmatch(r"-?\d+", following)
        spelt.append(f"--explain={DEFAULT_REASONS}" if bare else here)
    return spelt


def _demo(commands: Any) -> None:
    parser = _add(
        commands, "demo", "show", "see the model at work on a sample post", _DEMO, _DEMO_EXAMPLES
    )
    parser.add_argument("--post", metavar="ID", help="another post of the sample: p01 to p18")


def _import(commands: Any) -> None:
    parser = _add(
        commands, "import", "importing", "turn a blog's history into labelled comments",
        _IMPORT, _IMPORT_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("source", metavar="SOURCE", choices=SOURCES, help="see above")
    parser.add_argument("path", metavar="PATH", help="what was exported")
    parser.add_argument(
        "-o", "--output", metavar="FILE.jsonl", required=True, help="where the corpus is to go"
    )
    parser.add_argument(
        "--blog", metavar="NAME",
        help="name of the blog, where the export does not tell; give each blog its own",
    )  # fmt: skip
    parser.add_argument(
        "--trust", choices=("owner", "filter", "published"), default="published",
        help="whose word is a label: the owner's alone, also a filter's, or (default) also that a "
        "comment stands published",
    )  # fmt: skip
    parser.add_argument("--with-email", action="store_true", help="keep e-mail addresses")
    parser.add_argument("--with-ip", action="store_true", help="keep IP addresses")
    parser.add_argument(
        "--replace", action="store_true", help="allow files that are there already to be replaced"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument(
        "--prefix", metavar="PREFIX", help="wordpress-db: of the tables, such as wp_"
    )
    parser.add_argument(
        "--posts", metavar="FILE.json", help="wordpress-json: the posts, for their titles and texts"
    )
    parser.add_argument(
        "--comments-dir", metavar="DIR", help="staticman: folder of the comments in the repository"
    )
    parser.add_argument(
        "--pulls", metavar="FILE.json",
        help="staticman: states of the pull requests, from gh pr list --state all "
        "--json number,state",
    )  # fmt: skip
    parser.add_argument(
        "--column", action="append", metavar="FIELD=NAME",
        help="csv, jsonl: our field and the file's column, such as text=message; a dotted path "
        "leads into JSON objects",
    )  # fmt: skip
    parser.add_argument(
        "--spam", action="append", metavar="VALUE", help="csv, jsonl: the label's value for spam"
    )
    parser.add_argument(
        "--ham", action="append", metavar="VALUE", help="csv, jsonl: the label's value for ham"
    )
    parser.add_argument(
        "--label", choices=("ham", "spam"), help="csv, jsonl: the label of every comment"
    )


def _models(commands: Any) -> None:
    parser = _add(
        commands, "models", "models", "list the installed models", _MODELS, _MODELS_EXAMPLES
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a model: print its card")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _datasets(commands: Any) -> None:
    parser = _add(
        commands, "datasets", "datasets", "list the known sets of labelled comments",
        _DATASETS, _DATASETS_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("name", nargs="?", metavar="NAME", help="a set: show its whole card")
    parser.add_argument("--datasets", metavar="DIR", help="directory that holds the sets")
    parser.add_argument(
        "--verify", action="store_true", help="check the files that are there against their cards"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _learning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", metavar="FILE", help="labelled comments of your own")
    parser.add_argument("--recipe", metavar="FILE", help="recipe (default: the shipped model's)")
    parser.add_argument("--datasets", metavar="DIR", help="directory that holds the recipe's sets")
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to share the work (-1: all cores)"
    )


def _train(commands: Any) -> None:
    parser = _add(commands, "train", "learning", "train a model", _TRAIN, _TRAIN_EXAMPLES)
    _learning(parser)
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="directory for the model (default: NAME-VERSION of the recipe)",
    )
    parser.add_argument(
        "--name", type=_name, metavar="NAME", help="name of a model made from --corpus (mysite)"
    )
    parser.add_argument(
        "--replace", action="store_true", help="allow a model that is there already to be replaced"
    )


def _evaluate(commands: Any) -> None:
    parser = _add(
        commands, "evaluate", "learning", "measure a model", _EVALUATE, _EVALUATE_EXAMPLES
    )
    parser.add_argument("file", metavar="FILE", help="labelled comments of your own")
    parser.add_argument("--model", metavar="NAME|DIR", help="model to measure (default)")
    parser.add_argument("--output", metavar="FILE.json", help="also keep all figures here")


def _thresholds(commands: Any) -> None:
    parser = _add(
        commands, "thresholds", "thresholds", "find the cut that keeps a promise",
        _THRESHOLDS, _THRESHOLDS_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("corpus", metavar="CORPUS", help="labelled comments of your own")
    promise = parser.add_mutually_exclusive_group(required=True)
    promise.add_argument(
        "--max-ham-lost", type=_share, metavar="SHARE", help="lose at most this share of ham"
    )
    promise.add_argument(
        "--min-precision", type=_share, metavar="SHARE",
        help="of what is caught, at least this share is spam",
    )  # fmt: skip
    parser.add_argument(
        "--confidence", type=_share, default=0.95, metavar="SHARE",
        help="how often the promise holds (0.95)",
    )  # fmt: skip
    parser.add_argument(
        "--spam-share", type=_share, metavar="SHARE",
        help="share of spam on your site that precision is for (default: that of CORPUS)",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME|DIR", help="another model than the shipped one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--save", metavar="DIR", help="write a copy of the model with this cut")
    parser.add_argument(
        "--for", dest="action", choices=("spam", "unsure", "discard"),
        help="what is done from this cut on (default: call it spam)",
    )  # fmt: skip
    parser.add_argument("--lock-discard", action="store_true", help="the copy never discards")
    parser.add_argument("--name", type=_name, metavar="NAME", help="name of the copy (mysite)")
    parser.add_argument(
        "--replace", action="store_true", help="allow a model that is there already to be replaced"
    )


def _feedback(commands: Any) -> None:
    parser = _add(
        commands, "feedback", "feedback", "keep what moderators decide",
        _FEEDBACK, _FEEDBACK_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("journal", metavar="FILE", help="the journal")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, short: str, description: str | None = None) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = actions.add_parser(
            name,
            help=short,
            description=description or f"{short[0].upper()}{short[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        found.set_defaults(usage_error=found.error)
        return found

    _feedback_add(action("add", "enter decisions", _FEEDBACK_ADD))
    found = action("list", "show what was entered, without the comments' texts")
    _site(found, "only this site's entries (default: all)")
    found.add_argument("--comment", metavar="ID", help="only what is about this comment")
    found.add_argument(
        "--last", type=_positive, metavar="N", help="only the latest N (a table: 50)"
    )
    _output(found, ("table", "jsonl", "csv"))
    found = action("undo", "take an entry back")
    found.add_argument("entry", type=_positive, metavar="ENTRY", help="its number")
    _by(found)
    found = action("forget", "forget a comment, or all that are old")
    found.add_argument("comment_id", nargs="?", metavar="ID", help="the comment")
    found.add_argument(
        "--before", metavar="DATE",
        help="instead: every comment of which nothing was entered since, such as 2024-01-31",
    )  # fmt: skip
    _site(found, "the comment's site; with --before only this one (default: all)")
    _by(found)
    found = action("export", "write the labels in force as a corpus")
    _site(found, "only this site's labels (default: all)")
    _output(found, ("jsonl", "csv"))
    found.add_argument(
        "--replace", action="store_true", help="allow a file that is there already to be replaced"
    )


def _feedback_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("comment_id", nargs="?", metavar="ID", help="the comment's key on its site")
    parser.add_argument(
        "decision", nargs="?", choices=("spam", "ham", "remove"), help="what was decided"
    )
    _by(parser)
    _site(parser, "key of the site, where one journal serves several")
    for name, metavar, words in (
        ("--text", "TEXT", "the comment"),
        ("--author", "NAME", "name the visitor gave"),
        ("--author-url", "URL", "address the visitor gave"),
        ("--date", "DATE", "when the comment was sent"),
        ("--post", "TEXT|@FILE", "text of the post"),
        ("--post-title", "TITLE", "title of the post"),
        ("--post-url", "URL", "address of the post"),
    ):
        parser.add_argument(name, metavar=metavar, help=f"{words} (with ID)")
    parser.add_argument("--input", metavar="FILE", help="decisions to read (- is standard input)")
    parser.add_argument(
        "--in-format", choices=("jsonl", "csv"),
        help="how to read (default: by the name of --input, else by the first character)",
    )  # fmt: skip
    parser.add_argument(
        "--history", action="store_true",
        help="these were decided long ago: what is in the journal already is later",
    )  # fmt: skip
    parser.add_argument(
        "--texts", choices=("all", "corrected", "none"),
        help="whose texts a new journal keeps: of all comments, of those decided on, or of none",
    )  # fmt: skip


def _by(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="NAME", help="your account (default: the login name)")


def _site(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--site", metavar="KEY", help=words)


def _output(parser: argparse.ArgumentParser, forms: tuple[str, ...]) -> None:
    parser.add_argument(
        "--output", metavar="FILE", help="where to write (default: standard output, -)"
    )
    parser.add_argument(
        "--format", choices=forms,
        help="how to write (default: by the name of --output; a person sees a table where there "
        "is one, a pipe gets JSON lines)",
    )  # fmt: skip


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 3")
    return int(text)


def _serve(commands: Any) -> None:
    parser = _add(
        commands, "serve", "serve", "answer blogs that speak Akismet's protocol",
        _SERVE, _SERVE_EXAMPLES,
    )  # fmt: skip
    _database(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help=f"port to listen on ({DEFAULT_PORT})"
    )
    parser.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="processes that share the work (1)"
    )
    parser.add_argument(
        "--model", default="default", metavar="NAME|DIR", help="the model that all sites share"
    )
    parser.add_argument(
        "--models", metavar="DIR", help="where sites' own models are (beside the database)"
    )
    parser.add_argument(
        "--privacy", action="store_true", help="keep digests of comments, and nothing they said"
    )
    parser.add_argument(
        "--retention", type=_days, default=90, metavar="DAYS",
        help="delete comments that nobody decided on after so long (90; 0 keeps them)",
    )  # fmt: skip
    parser.add_argument(
        "--feedback-retention", type=_count, metavar="DAYS",
        help="delete decisions, and what they taught, after so long (default: keep them)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_rate, default=50.0, metavar="N",
        help="requests a second that a key may send for long (50; 0 is no limit)",
    )  # fmt: skip
    parser.add_argument(
        "--max-body", type=_positive, default=1_000_000, metavar="BYTES",
        help="largest request that is read (1000000)",
    )  # fmt: skip
    parser.add_argument(
        "--patience", type=_positive, default=20, metavar="SECONDS",
        help="how long a client may take to send the body of a request (20)",
    )  # fmt: skip


def _sites(commands: Any) -> None:
    parser = _add(
        commands, "sites", "sites", "a server's sites, keys and posts", _SITES, _SITES_EXAMPLES
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, short: str, named: bool = True) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = actions.add_parser(
            name, help=short, description=f"{short[0].upper()}{short[1:]}.", allow_abbrev=False
        )
        found.set_defaults(usage_error=found.error)
        if named:
            found.add_argument("name", metavar="SITE", help="its name, such as blog.example")
        _database(found)
        return found

    action("list", "show the sites", named=False)
    action("add", "add a site and show its key")
    action("renew", "give a site another key; the former one is worth nothing then")
    action("revoke", "take a site's key away; what it taught stays")
    found = action("posts", "register the posts of an RSS or Atom feed or a WordPress export")
    found.add_argument("file", metavar="FILE", help="the feed or export, on this machine")
    found = action("forget", "forget a comment, its verdicts, decisions and what they taught")
    found.add_argument("guid", metavar="GUID", help="what X-akismet-guid said of the comment")
    found.add_argument("--by", metavar="NAME", default="owner", help="whose doing it is (owner)")
    found = action("set", "change a site's settings")
    found.add_argument(
        "--gives",
        action=argparse.BooleanOptionalAction,
        help="share its feedback with those that take",
    )
    found.add_argument(
        "--takes", action=argparse.BooleanOptionalAction, help="judge also by what others share"
    )
    found.add_argument(
        "--unsure", choices=("ham", "spam"),
        help="what a client is told that knows only yes and no (ham)",
    )  # fmt: skip
    found.add_argument(
        "--coral-secret",
        metavar="FILE",
        help="holds Coral's signing secrets, one a line",
    )


def _moderators(commands: Any) -> None:
    parser = _add(
        commands, "moderators", "moderators", "who may log in to the moderation pages",
        _MODERATORS, _MODERATORS_EXAMPLES,
    )  # fmt: skip
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, short in (
        ("list", "show the moderators"),
        ("add", "add a moderator; the password is asked for"),
        ("password", "set another password, and log the account out everywhere"),
        ("remove", "remove an account; what it decided stays"),
    ):
        found = actions.add_parser(
            name, help=short, description=f"{short[0].upper()}{short[1:]}.", allow_abbrev=False
        )
        found.set_defaults(usage_error=found.error)
        if name != "list":
            found.add_argument("name", metavar="NAME", help="the account, as the journal tells it")
        if name == "add":
            found.add_argument(
                "--site", action="append", metavar="SITE", dest="sites",
                help="the only site that it may see; repeat for several (default: all)",
            )  # fmt: skip
        _database(found)


def _database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database", default=DEFAULT_DATABASE, metavar="FILE|URL",
        help=f"the server's database ({DEFAULT_DATABASE})",
    )  # fmt: skip


def _port(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 1 to 65535")
    return int(text)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, such as 30")
    return int(text)


def _rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of requests, such as 50")
    return float(text)


def _retrain(commands: Any) -> None:
    parser = _add(
        commands, "retrain", "retrain", "learn from your own comments, if they say it helps",
        _RETRAIN, _RETRAIN_EXAMPLES,
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="sources", metavar="FILE", action="append", default=[],
        help="labelled comments; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="the model in use, or a new directory"
    )
    parser.add_argument(
        "--site", metavar="NAME", help="of a journal, only this site's decisions (all)"
    )
    parser.add_argument(
        "--base", default="default", metavar="NAME|DIR", help="model to start from (default)"
    )
    parser.add_argument(
        "--name", type=_name, metavar="NAME", help="name of the model (that of DIR)"
    )
    parser.add_argument(
        "--hold-back", type=_share, default=0.2, metavar="SHARE",
        help="share of the comments, the newest, that decide (0.2)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="measure, and change nothing")
    parser.add_argument("--rollback", action="store_true", help="put the former model back")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to share the work (-1: all cores)"
    )


def _audit(commands: Any) -> None:
    parser = _add(
        commands, "audit", "retrain", "list labels that look wrong", _AUDIT, _AUDIT_EXAMPLES
    )
    parser.add_argument("sources", nargs="+", metavar="FILE", help="labelled comments")
    parser.add_argument(
        "--site", metavar="NAME", help="of a journal, only this site's decisions (all)"
    )
    parser.add_argument(
        "--base", default="default", metavar="NAME|DIR", help="model to start from (default)"
    )
    parser.add_argument(
        "--most", type=_count, default=100, metavar="N", help="list no more than these (100)"
    )
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to share the work (-1: all cores)"
    )


def _queue(commands: Any) -> None:
    parser = _add(
        commands, "queue", "review", "order what to decide first", _QUEUE, _QUEUE_EXAMPLES
    )
    parser.add_argument("corpus", metavar="CORPUS", help="comments, some without a label")
    parser.add_argument(
        "--most", type=_count, default=100, metavar="N", help="decisions to list (100)"
    )
    parser.add_argument(
        "--decided", metavar="FILE", help="labelled lines of an earlier queue of the same CORPUS"
    )
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model in use")
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to share the work (-1: all cores)"
    )


def _replay(commands: Any) -> None:
    parser = _add(
        commands, "replay", "review", "score a site's past beside what was decided",
        _REPLAY, _REPLAY_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("corpus", metavar="HISTORY", help="comments with dates and decisions")
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model to try")
    parser.add_argument(
        "--disagreements", action="store_true", help="list them, as JSON lines, instead"
    )


def _check_pr(commands: Any) -> None:
    parser = _add(
        commands, "check-pr", "pullrequest", "judge the comment that a pull request brings",
        _CHECK_PR, _CHECK_PR_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("files", nargs="*", metavar="FILE", help="comments' files, or -")
    parser.add_argument(
        "--since", metavar="COMMIT", help="what the request is to be merged into: origin/main"
    )
    parser.add_argument(
        "--repository", default=".", metavar="DIR", help="the clone (the current directory)"
    )
    parser.add_argument(
        "--comments-dir", metavar="DIR",
        help="where the comments' files are (any folder named comments)",
    )  # fmt: skip
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model")


def _drift(commands: Any) -> None:
    parser = _add(
        commands, "drift", "drift", "tell what has changed between two lots of comments",
        _DRIFT, _DRIFT_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("reference", metavar="REFERENCE", help="comments of before")
    parser.add_argument("current", nargs="?", metavar="CURRENT", help="comments of now")
    parser.add_argument(
        "--since", metavar="DATE", help="instead of CURRENT: those of REFERENCE from this day on"
    )
    parser.add_argument("--model", default="default", metavar="NAME|DIR", help="the model in use")
    parser.add_argument(
        "--alpha", type=_share, default=0.01, metavar="SHARE",
        help="largest chance of a false alarm in the whole report (0.01)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print every column, as JSON")
    parser.add_argument(
        "--plot", metavar="FILE.png", help="also draw what moved (needs spamguard[plots])"
    )


def _campaigns(commands: Any) -> None:
    parser = _add(
        commands, "campaigns", "campaigns", "find comments that say nearly the same",
        _CAMPAIGNS, _CAMPAIGNS_EXAMPLES,
    )  # fmt: skip
    parser.add_argument("files", nargs="+", metavar="FILE", help="comments")
    parser.add_argument(
        "--least", type=_count, default=3, metavar="N", help="comments that make a campaign (3)"
    )
    parser.add_argument(
        "--likeness", type=_share, default=0.5, metavar="SHARE",
        help="share of three-word runs that two of them have in common (0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--most", type=_count, default=20, metavar="N", help="show no more than these (20)"
    )
    parser.add_argument("--json", action="store_true", help="print all of them, as JSON lines")
