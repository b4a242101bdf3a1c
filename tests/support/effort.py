"""How hard a law is tried: what guards a deletion hardest, what reads files a tenth as hard.

`pytest --hypothesis-profile=long` tries all of them for a long time, by hand.
"""

from hypothesis import settings

TENTH = settings(max_examples=max(20, (settings.default or settings()).max_examples // 10))
