"""One command per file: parse, call, print. No decisions are made here."""
