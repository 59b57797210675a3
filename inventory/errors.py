"""The root of all errors of this software: whatever is told to a user in one line, and not as a defect of ours."""


def cause_of(error: Exception) -> str:
    """Return why something failed, in words: the file and the reason of the system where it is one of its errors."""
    known = isinstance(error, OSError) and error.filename and error.strerror
    return f"{error.filename}: {error.strerror}" if known and isinstance(error, OSError) else str(error)


class ZhengheError(Exception):
    """Something cannot be done; as text it says why and what to do next.

    `reason`, `where` (a file, host, device or step) and `mend` are its parts, empty where an error has none of its own.
    """

    reason: str = ""
    where: str = ""
    mend: str = ""

    def parts(self) -> dict[str, str]:
        """Return its parts for machines, the text itself where it has no reason of its own."""
        return {"reason": self.reason or str(self), "where": self.where, "mend": self.mend}
