"""Emulator: a strict double of the image API, with a ledger."""
