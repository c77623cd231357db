"""The keyring's file: made once, read by its owner alone, and changed by one process at a time. Django-free."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from access.vault.ciphers import SUITE_NAMES, Compartment, KeyringExists, KeyUnavailable, Suite, VaultError
from access.vault.keyring import FileKeyring

FORMAT = 1
MASTER_SIZE = 32


def create_keyring(path: Path, suite: Suite, compartments: Sequence[Compartment] = (Compartment.WORKING,)) -> None:
    """Make a keyring with one version of each key, readable by its owner alone; an existing one is never touched.

    The index keeps the suite it is created with: were it to follow the setting, a person entered before the
    change would no longer be found.
    """
    path = Path(path)
    document = {
        "format": FORMAT,
        **{str(compartment): {"current": 1, "keys": {"1": _new_master()}} for compartment in compartments},
        "index": {"suite": suite_name(suite), "key": _new_master()},
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = _write_beside(path, document)
    try:
        os.link(written, path)  # Unlike a rename, a link fails when there is something at the path.
    except FileExistsError:
        raise KeyringExists(f"There is a keyring at {path}. Use it, or name another file.") from None
    finally:
        os.unlink(written)
    _sync_directory(path)


def load_keyring(path: Path) -> FileKeyring:
    """Read a keyring; refuses a file that others may read or that is not complete."""
    path = Path(path)
    return _keyring_from(_read(path), path)


def add_version(path: Path, compartment: Compartment, *, make_current: bool = True) -> int:
    """Add a new key version and return its number; every older version still opens.

    Where several machines have copies of the keyring, add with make_current=False, copy the file to all of
    them, and only then call make_version_current.
    """
    with _editing(Path(path)) as document:
        part = _part(document, compartment)
        version = max(map(int, part["keys"])) + 1
        part["keys"][str(version)] = _new_master()
        if make_current:
            part["current"] = version
    return version


def make_version_current(path: Path, compartment: Compartment, version: int) -> None:
    """From now on, wrap under this version."""
    with _editing(Path(path)) as document:
        if str(version) not in _part(document, compartment)["keys"]:
            raise KeyUnavailable(f"Version {version} of the {compartment} key is not in the keyring. Add it first.")
        document[compartment]["current"] = version


def retire_version(path: Path, compartment: Compartment, version: int) -> None:
    """Take a version out for ever; call it only when every key has been rewrapped to the current one."""
    with _editing(Path(path)) as document:
        if _part(document, compartment)["current"] == version:
            raise VaultError(f"Version {version} of the {compartment} key is current. Add a new version first.")
        if document[compartment]["keys"].pop(str(version), None) is None:
            raise KeyUnavailable(f"Version {version} of the {compartment} key is not in the keyring.")


def _part(document: dict, compartment: Compartment) -> dict:
    if compartment not in document:
        raise KeyUnavailable(f"This keyring has no {compartment} key; it is in the keyring of another setting.")
    return document[compartment]


def _new_master() -> str:
    return base64.b64encode(secrets.token_bytes(MASTER_SIZE)).decode()


def suite_name(suite: Suite) -> str:
    """Return what a keyring file calls this suite."""
    return next(name for name, known in SUITE_NAMES.items() if known is suite)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # Asked of the open file, so nothing can be exchanged between the question and the reading.
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                raise KeyUnavailable(f"Others may read the keyring at {path}. Run: chmod 600 {path}")
            return file.read()
    except FileNotFoundError:
        message = f"There is no keyring at {path}. Put it back from its backup; create one only for a new register."
    except OSError as error:
        message = f"The keyring at {path} cannot be read ({error.strerror}). Give this process's user access to it."
    raise KeyUnavailable(message)


def _keyring_from(content: bytes, path: Path) -> FileKeyring:
    parsed = None
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError
        current: dict[Compartment, int] = {}
        masters: dict[tuple[Compartment, int], bytes] = {}
        for compartment in [name for name in Compartment if name in document]:
            for number, encoded in document[compartment]["keys"].items():
                if str(int(number)) != number or not 0 < int(number) < 2**32:
                    raise ValueError
                masters[compartment, int(number)] = base64.b64decode(encoded, validate=True)
            current[compartment] = document[compartment]["current"]
            masters[compartment, current[compartment]]
        index_suite = SUITE_NAMES[document["index"]["suite"]]
        index_master = base64.b64decode(document["index"]["key"], validate=True)
        everything = [*masters.values(), index_master]
        # A key used twice would join what the compartments separate.
        if not current or len(set(everything)) < len(everything) or any(len(key) != MASTER_SIZE for key in everything):
            raise ValueError
        parsed = current, masters, index_suite, index_master
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    if parsed is None:  # Raised out here: the caught error would carry the file's content along.
        raise KeyUnavailable(f"The keyring at {path} is damaged. Put it back from its backup.")
    current, masters, index_suite, index_master = parsed
    return FileKeyring(current=current, masters=masters, index_suite=index_suite, index_master=index_master)


@contextmanager
def _editing(path: Path) -> Iterator[dict]:
    """Let one process at a time change the keyring; readers see the old file or the new one, never a part."""
    path = path.resolve()
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise KeyUnavailable(f"There is no keyring at {path}. Create it first.") from None
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        content = _read(path)
        _keyring_from(content, path)
        document = json.loads(content)
        yield document
        os.replace(_write_beside(path, document), path)
        _sync_directory(path)
    finally:
        os.close(directory)


def _write_beside(path: Path, document: dict) -> str:
    """Write a private file next to the keyring and return its name once it is on disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return name


def _sync_directory(path: Path) -> None:
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
