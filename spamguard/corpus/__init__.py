"""Labelled comments: read, write, check, and find near-copies; the catalogue of the data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.corpus.catalogue import DATASETS_VARIABLE as DATASETS_VARIABLE
    from spamguard.corpus.catalogue import dataset_cards as dataset_cards
    from spamguard.corpus.catalogue import datasets_dir as datasets_dir
    from spamguard.corpus.catalogue import load_dataset as load_dataset
    from spamguard.corpus.catalogue import load_datasets as load_datasets
    from spamguard.corpus.catalogue import load_sample as load_sample
    from spamguard.corpus.columnar import ParquetOutput as ParquetOutput
    from spamguard.corpus.columnar import parquet_answers as parquet_answers
    from spamguard.corpus.copies import LEAST_WORDS as LEAST_WORDS
    from spamguard.corpus.copies import campaigns_of as campaigns_of
    from spamguard.corpus.copies import duplicate_groups as duplicate_groups
    from spamguard.corpus.copies import plain_words as plain_words
    from spamguard.corpus.frame import COLUMNS as COLUMNS
    from spamguard.corpus.frame import check_corpus as check_corpus
    from spamguard.corpus.frame import comments_of as comments_of
    from spamguard.corpus.frame import json_line as json_line
    from spamguard.corpus.frame import read_corpus as read_corpus
    from spamguard.corpus.frame import replacing as replacing
    from spamguard.corpus.frame import texts_sha256 as texts_sha256
    from spamguard.corpus.frame import write_corpus as write_corpus
    from spamguard.corpus.frames import COMMENT_COLUMNS as COMMENT_COLUMNS
    from spamguard.corpus.frames import comments_of_frame as comments_of_frame
    from spamguard.corpus.frames import is_foreign_frame as is_foreign_frame
    from spamguard.corpus.frames import is_frame as is_frame
    from spamguard.corpus.frames import keys_of_frame as keys_of_frame
    from spamguard.corpus.frames import missing as missing
    from spamguard.corpus.frames import named_post as named_post
    from spamguard.corpus.frames import posts_of_frame as posts_of_frame
    from spamguard.corpus.frames import readable as readable
    from spamguard.corpus.parquet import pyarrow as pyarrow
    from spamguard.corpus.readers import Line as Line
    from spamguard.corpus.readers import Problem as Problem
    from spamguard.corpus.readers import Source as Source
    from spamguard.corpus.separators import SEPARATORS as SEPARATORS
    from spamguard.corpus.writers import Output as Output
    from spamguard.corpus.writers import Table as Table

__all__, __getattr__, __dir__ = attach(
    __name__,
    {
        "catalogue": [
            "DATASETS_VARIABLE",
            "dataset_cards",
            "datasets_dir",
            "load_dataset",
            "load_datasets",
            "load_sample",
        ],
        "columnar": ["ParquetOutput", "parquet_answers"],
        "copies": ["LEAST_WORDS", "campaigns_of", "duplicate_groups", "plain_words"],
        "frame": [
            "COLUMNS",
            "check_corpus",
            "comments_of",
            "json_line",
            "read_corpus",
            "replacing",
            "texts_sha256",
            "write_corpus",
        ],
        "frames": [
            "COMMENT_COLUMNS",
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
        "parquet": ["pyarrow"],
        "readers": ["Line", "Problem", "Source"],
        "separators": ["SEPARATORS"],
        "writers": ["Output", "Table"],
    },
)
