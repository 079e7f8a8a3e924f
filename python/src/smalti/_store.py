"""Where recordings are: a directory, or an object store that pyarrow opens."""

import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from pyarrow import fs

from smalti._error import SmaltiError


class Store(NamedTuple):
    """A file system, the path of the recordings in it, and what others call the place."""

    files: fs.FileSystem
    root: str
    url: str

    def list(self) -> list[str]:
        """Names of the directories in it."""
        try:
            found = self.files.get_file_info(fs.FileSelector(self.root))
        except OSError as cause:
            raise self._error(cause, "list", "") from cause
        return [info.base_name for info in found if info.type == fs.FileType.Directory]

    def open(self, path: str) -> Any:
        """Opens a file for reads at any place."""
        try:
            return self.files.open_input_file(f"{self.root}/{path}")
        except OSError as cause:
            raise self._error(cause, "open", path) from cause

    def read(self, path: str) -> bytes:
        """All bytes of a file."""
        with self.open(path) as file:
            return bytes(file.read())

    def _error(self, cause: OSError, verb: str, path: str) -> SmaltiError:
        code = "NOT_FOUND" if isinstance(cause, (FileNotFoundError, NotADirectoryError)) else "IO"
        where = f"{self.url}/{path}" if path else f"the recordings in {self.url}"
        return SmaltiError(code, f"Cannot {verb} {where}: {cause}")


def open_store(store: str | os.PathLike[str], filesystem: Any = None) -> Store:
    """The place that a path or URL names. ``filesystem``, of pyarrow or fsspec, has the credentials where some are needed."""
    place = os.fspath(store)
    if not isinstance(place, str) or place == "":
        raise TypeError(f"Cannot open a store: it is {store!r}, wanted a path or a URL such as s3://bucket/prefix")
    scheme, mark, rest = place.partition("://")
    if mark and scheme == "file":
        place, mark = fs.FileSystem.from_uri(place)[1], ""
    files = _file_system(filesystem)
    if not mark:
        if files is not None and not isinstance(files, fs.LocalFileSystem):
            root = place.rstrip("/")
            return Store(files, root, root)
        root = os.path.abspath(place)
        return Store(files or fs.LocalFileSystem(), root, root)
    url = _without_secrets(place)
    if files is not None:
        return Store(files, rest.partition("?")[0].rpartition("@")[2].rstrip("/"), url)
    try:
        files, root = fs.FileSystem.from_uri(place)
    except ValueError as cause:
        text = f"Cannot open store {url}: {cause}; give a filesystem that can"
        raise SmaltiError("UNSUPPORTED", text) from cause
    return Store(files, root.rstrip("/"), url)


def _file_system(given: Any) -> Any:
    if given is None or isinstance(given, fs.FileSystem):
        return given
    return fs.PyFileSystem(fs.FSSpecHandler(given))


def _without_secrets(url: str) -> str:
    """Splits are carried about and logged."""
    scheme, host, path, query, _ = urlsplit(url)
    return urlunsplit((scheme, host.rpartition("@")[2], path.rstrip("/"), query, ""))
