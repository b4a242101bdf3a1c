"""What one answer, and all answers about one repository together, may cost: the bounds of both.

Whoever answers chooses sizes, times and links. Each bound is several times what a repository of
the design size takes, 100,000 versions, and far below what ends the process or holds a lock for
hours. What exceeds one is an error of that repository (exit 6), and of no other.
"""

ANSWER_SECONDS = 120.0
"""Longest that one answer may take from the end of the request to its last byte, in seconds.

A silence between two bytes is bounded apart from this; a byte now and then is no silence.
"""

LAST_SECONDS = 10.0
"""How long an answer under way may still take once the run is to stop, in seconds.

Not none: most answers come at once, and that of a deletion says what became of it.
"""

GLANCE_SECONDS = 1.0
"""How often, while an answer is awaited, to ask whether the run is to stop, in seconds."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Largest answer that is no manifest, decoded, in bytes.

A registry that gives 100,000 tags of the greatest length in one page sends 13 MB. JSON takes up
to twenty times its size when it is read.
"""

MAX_ERROR_BYTES = 1024 * 1024
"""Largest answer of an error or of a token server, decoded, in bytes."""

MAX_URL = 8_192
"""Longest URL of a next page, in characters; as many are remembered as there are pages."""

MAX_PAGES = 10_000
"""Most pages of one listing; at a hundred rows each, ten times the largest package."""

MAX_NAMES = 500_000
"""Most names of one listing: versions and their tags, tags, repositories or referrers.

Five for each version of a repository of the design size; they take some 200 MB of memory.
"""

MAX_DOCUMENT_BYTES = 1024 * 1024 * 1024
"""Most that the different documents of one repository may take together, in bytes.

That is 10 kB for each version of a repository of the design size; an index takes about 3 kB.
"""

READING_SECONDS = 4 * 3600.0
"""Longest that answers about one repository are awaited in all, in seconds, waits included.

Twice the longest wait for a limit, besides what the number of answers explains.
"""

SECONDS_EACH = 0.5
"""How much longer for each answer that came, in seconds: twenty are awaited at once."""

READING_BYTES = 2 * 1024 * 1024 * 1024
"""Most that all answers about one repository may take together, decoded, in bytes."""

BYTES_EACH = 64 * 1024
"""How much more for each answer that came, in bytes: a page of versions takes about as much."""

MAX_MESSAGE = 300
"""Longest text quoted from an answer, in characters: about three lines of a terminal."""
