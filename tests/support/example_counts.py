"""How hard a law is tried: what guards a deletion hardest, what reads files a third as hard.

In CI a law may take about ten seconds of one processor. `pytest --hypothesis-profile=long` tries
all of them for a long time, by hand.
"""

from hypothesis import settings

THIRD = settings(max_examples=max(20, (settings.default or settings()).max_examples // 3))
