"""How anything reaches the disk and comes back: whole or not at all, inside its folder, with checksums, one writer at a
time; and read only as far as it is a sound file of a sensible size.

A crash, a full disk or Ctrl-C leaves either the old file or the new one, never half of one.
"""

from __future__ import annotations

from specsight.storage.files import (
    confined,
    copy_file,
    given_path,
    sha256,
    write_bytes,
    write_json,
    write_text,
)
from specsight.storage.folders import (
    CHECKSUMS,
    check_replaceable,
    copy_folder,
    read_folder,
    recover,
    revised_folder,
    verify_folder,
    whole_folder,
)
from specsight.storage.leftovers import remove_leftovers, temporary_folder, temporary_prefix
from specsight.storage.locks import only_writer
from specsight.storage.names import below
from specsight.storage.outputs import check_model_output, check_output
from specsight.storage.reading import check_regular, parse_json, parse_yaml, read_text
from specsight.storage.tables import csv_text, write_csv

__all__ = [
    "CHECKSUMS",
    "below",
    "check_model_output",
    "check_output",
    "check_regular",
    "check_replaceable",
    "confined",
    "copy_file",
    "copy_folder",
    "csv_text",
    "given_path",
    "only_writer",
    "parse_json",
    "parse_yaml",
    "read_folder",
    "read_text",
    "recover",
    "remove_leftovers",
    "revised_folder",
    "sha256",
    "temporary_folder",
    "temporary_prefix",
    "verify_folder",
    "whole_folder",
    "write_bytes",
    "write_csv",
    "write_json",
    "write_text",
]
