"""The death of a process in the middle of what it does, in tests that run it in their own."""


class Killed(BaseException):
    """The process ends here."""
