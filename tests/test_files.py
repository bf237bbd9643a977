"""A file is replaced whole or not at all."""

from __future__ import annotations

import os

import pytest

from spamguard.files import replacing, write_bytes


def test_a_file_is_replaced_when_the_block_ends(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "a"
    path.write_text("old")

    def fail():
        with replacing(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_modes_and_links_are_kept(tmp_path):
    before = os.umask(0o022)
    try:
        write_bytes(tmp_path / "usual", b"")
        with replacing(tmp_path / "private", private=True):
            pass
    finally:
        os.umask(before)
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"usual": 0o644, "private": 0o600}
    (tmp_path / "usual").chmod(0o664)
    (tmp_path / "link").symlink_to(tmp_path / "usual")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "usual").read_bytes() == b"new"
    assert (tmp_path / "usual").stat().st_mode & 0o777 == 0o664


def test_what_is_being_written_is_no_more_open_than_what_it_replaces(tmp_path):
    target = tmp_path / "private.jsonl"
    target.write_bytes(b"old")
    target.chmod(0o600)
    with replacing(target) as file:
        file.write(b"new")
        file.flush()
        (part,) = tmp_path.glob(".private.jsonl.*.part")
        assert part.stat().st_mode & 0o777 == 0o600
    assert target.read_bytes() == b"new"
