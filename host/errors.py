"""What can go wrong, as the user sees it: an exit status and one sentence."""

EXIT_TIMEOUT = 124
EXIT_BAD = 125
EXIT_CRASH = 134


class Problem(Exception):
    """Bad input, or a host that cannot be prepared: one sentence that says what is wrong and what to do about it."""

    status = EXIT_BAD


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived. Unwinds everything, so that every `finally` takes its own part away."""

    def __init__(self, signal_number: int):
        super().__init__(f"signal {signal_number}")
        self.status = 128 + signal_number
