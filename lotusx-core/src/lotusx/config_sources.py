"""Where settings are read from: the process's environment, ``.env`` files, the project's document and the user's."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lotusx.errors import ConfigurationError

FILE_NAME = "lotusx.toml"


@dataclass(frozen=True, slots=True)
class Document:
    """One TOML document.

    Attributes:
        folder: Where it stands; relative paths in it start there.
        trusted: Whether it may name programs to run, and hosts. A document that was merely found in the working
            directory may not: entering a stranger's folder must neither run what they wrote nor send them anything.
    """

    content: Mapping[str, Any]
    name: str = FILE_NAME
    folder: Path = field(default_factory=Path)
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings are read from; given as an argument so that tests and tools can replace it.

    Attributes:
        document: The project's, or the one that was named.
        user: The user's own, which holds where the project's says nothing; ``None``: there is none.
        dotenv_local: ``.env.local``, which beats ``.env`` and is not shared with anybody.
    """

    variables: Mapping[str, str]
    dotenv: Mapping[str, str]
    document: Mapping[str, Any]
    document_name: str = FILE_NAME
    dotenv_local: Mapping[str, str] = field(default_factory=dict)
    user: Document | None = None
    folder: Path = field(default_factory=Path)
    trusted: bool = True

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, the one that counts least first."""
        own = Document(self.document, self.document_name, self.folder, self.trusted)
        return (own,) if self.user is None else (self.user, own)

    @classmethod
    def of_process(cls, config: str | os.PathLike[str] | None = None) -> Sources:
        """Read what this process would use.

        Args:
            config: Path of the one document to read. ``None``: ``LOTUSX_CONFIG`` names it; or else ``lotusx.toml`` of
                the working directory, over that of the user (see `user_folder`).

        Raises:
            ConfigurationError: A document that was named is missing, or is not TOML; or a line of ``.env`` or
                ``.env.local`` cannot be read.
        """
        variables = dict(os.environ)
        dotenv, local = _read_dotenv(Path(".env")), _read_dotenv(Path(".env.local"))
        named = config if config is not None else variables.get("LOTUSX_CONFIG")
        if named is not None:
            path = Path(named).expanduser()
            found = _read(path, trusted=True)
            if found is None:
                raise ConfigurationError(f"the configuration file {path} does not exist")
            return cls(variables, dotenv, found.content, found.name, local, None, found.folder)
        project = _read(Path(FILE_NAME), trusted=False) or Document({}, trusted=False)
        user = _read(user_folder(variables) / FILE_NAME, trusted=True)
        return cls(variables, dotenv, project.content, project.name, local, user, project.folder, trusted=False)


def user_folder(variables: Mapping[str, str]) -> Path:
    """Return the folder of the user's document: ``$XDG_CONFIG_HOME/lotusx``, or ``~/.config/lotusx``.

    On Windows it is the folder ``lotusx`` in ``%APPDATA%``.
    """
    base = variables.get("APPDATA") if sys.platform == "win32" else variables.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path("~/.config").expanduser()) / "lotusx"


def _read(path: Path, *, trusted: bool) -> Document | None:
    if not path.is_file():
        return None
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows write a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    return Document(content, str(path), path.parent, trusted)


def _read_dotenv(path: Path) -> Mapping[str, str]:
    """Read a file of variables.

    Raises:
        ConfigurationError: It cannot be read, or a line cannot. The line may have named the testnet: without it the
            environment would be the live one. The text shows nothing of the line, which may hold a key.
    """
    if not path.is_file():
        return {}
    from io import StringIO

    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    for binding in parse_stream(StringIO(text)):
        unset = binding.value is None and (binding.key or "").startswith("LOTUSX_")
        if binding.error or unset:
            written = binding.original.string
            blank = written[: len(written) - len(written.lstrip())]  # the parser counts from the line before
            raise ConfigurationError(
                f"{path}:{binding.original.line + blank.count(chr(10))}: this line cannot be read: write NAME=value, "
                "with a quote at both ends of the value or at none"
            )
    return {key: value for key, value in dotenv_values(stream=StringIO(text)).items() if value is not None}
