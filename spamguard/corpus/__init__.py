"""Labelled comments: reading, writing, checks, near-copies, and the catalogue of data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.corpus.catalogue import DATASETS_VARIABLE as DATASETS_VARIABLE
    from spamguard.corpus.catalogue import Card as Card
    from spamguard.corpus.catalogue import dataset_cards as dataset_cards
    from spamguard.corpus.catalogue import datasets_dir as datasets_dir
    from spamguard.corpus.catalogue import load_dataset as load_dataset
    from spamguard.corpus.catalogue import load_datasets as load_datasets
    from spamguard.corpus.catalogue import load_sample as load_sample
    from spamguard.corpus.catalogue import read_again as read_again
    from spamguard.corpus.copies import LEAST_WORDS as LEAST_WORDS
    from spamguard.corpus.copies import campaigns_of as campaigns_of
    from spamguard.corpus.copies import duplicate_groups as duplicate_groups
    from spamguard.corpus.copies import leader_groups as leader_groups
    from spamguard.corpus.frames import COMMENT_COLUMNS as COMMENT_COLUMNS
    from spamguard.corpus.frames import comments_of_frame as comments_of_frame
    from spamguard.corpus.frames import is_foreign_frame as is_foreign_frame
    from spamguard.corpus.frames import is_frame as is_frame
    from spamguard.corpus.frames import keys_of_frame as keys_of_frame
    from spamguard.corpus.frames import missing as missing
    from spamguard.corpus.frames import named_post as named_post
    from spamguard.corpus.frames import posts_of_frame as posts_of_frame
    from spamguard.corpus.frames import readable as readable
    from spamguard.corpus.readers import MAX_LINE as MAX_LINE
    from spamguard.corpus.readers import CsvRows as CsvRows
    from spamguard.corpus.readers import Line as Line
    from spamguard.corpus.readers import Problem as Problem
    from spamguard.corpus.readers import Source as Source
    from spamguard.corpus.readers import comment_of as comment_of
    from spamguard.corpus.readers import fields_of_file as fields_of_file
    from spamguard.corpus.readers import format_of as format_of
    from spamguard.corpus.readers import lines_of as lines_of
    from spamguard.corpus.readers import load_pyarrow as load_pyarrow
    from spamguard.corpus.readers import open_source as open_source
    from spamguard.corpus.table import check_corpus as check_corpus
    from spamguard.corpus.table import comments_of as comments_of
    from spamguard.corpus.table import read_corpus as read_corpus
    from spamguard.corpus.table import texts_sha256 as texts_sha256
    from spamguard.corpus.table import write_corpus as write_corpus
    from spamguard.corpus.validation import COLUMNS as COLUMNS
    from spamguard.corpus.writers import csv_row as csv_row
    from spamguard.corpus.writers import json_row as json_row
    from spamguard.corpus.writers import open_corpus as open_corpus
    from spamguard.corpus.writers import open_output as open_output
    from spamguard.corpus.writers import open_scored as open_scored
    from spamguard.corpus.writers import open_scored_parquet as open_scored_parquet
    from spamguard.corpus.writers import output_format as output_format
    from spamguard.corpus.writers import scored_row as scored_row
    from spamguard.corpus.writers import target_of as target_of

__all__, __getattr__, __dir__ = attach(
    __name__,
    {
        "catalogue": [
            "DATASETS_VARIABLE",
            "Card",
            "dataset_cards",
            "datasets_dir",
            "load_dataset",
            "load_datasets",
            "load_sample",
            "read_again",
        ],
        "validation": ["COLUMNS"],
        "copies": [
            "LEAST_WORDS",
            "campaigns_of",
            "duplicate_groups",
            "leader_groups",
        ],
        "frames": [
            "COMMENT_COLUMNS",
            "comments_of_frame",
            "is_foreign_frame",
            "is_frame",
            "keys_of_frame",
            "missing",
            "named_post",
            "posts_of_frame",
            "readable",
        ],
        "readers": [
            "MAX_LINE",
            "CsvRows",
            "Line",
            "Problem",
            "Source",
            "comment_of",
            "fields_of_file",
            "format_of",
            "lines_of",
            "load_pyarrow",
            "open_source",
        ],
        "table": ["check_corpus", "comments_of", "read_corpus", "texts_sha256", "write_corpus"],
        "writers": [
            "csv_row",
            "json_row",
            "open_corpus",
            "open_output",
            "open_scored",
            "open_scored_parquet",
            "output_format",
            "scored_row",
            "target_of",
        ],
    },
)
