"""Errors: what a person can mend, with the exit code it ends in.

BenchError
├── BadInput            exit 2: a file, key or option that we can't use
│   └── RunBusy         exit 2: another process has this run
├── NoCredentials       exit 3: a key is missing or was refused
├── NotSent             exit 5: a budget or an endpoint closed the way
└── StorageFailed       exit 6: a record or picture could not be kept
    └── DamagedJournal  exit 6: a record does not match its checksum

A failed call is not here: it is data (`bench.attempt.Outcome`).
"""


class BenchError(Exception):
    """One sentence: what, where, how to mend."""

    exit_code = 1


class BadInput(BenchError):
    """A file, key or option can't be used; names the file, key and value."""

    exit_code = 2


class RunBusy(BadInput):
    """Another process has this run; names its pid."""


class NoCredentials(BenchError):
    """A key is missing from the environment, or an endpoint refused it."""

    exit_code = 3


class NotSent(BenchError):
    """Nothing was sent: the budget is spent, or the endpoint closed the way."""

    exit_code = 5


class StorageFailed(BenchError):
    """A record or a picture could not be made durable."""

    exit_code = 6


class DamagedJournal(StorageFailed):
    """A journal line does not match its checksum."""
