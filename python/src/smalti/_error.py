"""What can go wrong, with the codes of the TypeScript library."""


class SmaltiError(Exception):
    """A recording or a split that cannot be read. ``code`` tells what kind it is, such as ``"CORRUPT"`` or ``"NOT_FOUND"``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class SplitChanged(SmaltiError):
    """A file is not the one that the split was cut of: cut it anew."""

    def __init__(self, message: str) -> None:
        super().__init__("IO", message)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.message,)
