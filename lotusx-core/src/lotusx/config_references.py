"""Credentials that stand elsewhere: in a variable, a file, the keyring, or what a program prints.

In a document, a credential is text, or a table that says where it is::

    api_secret = { env = "MY_SECRET" }
    api_secret = { file = "~/keys/example" }
    api_secret = { keyring = "lotusx", user = "example" }
    api_secret = { command = ["pass", "show", "example"] }
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lotusx.errors import ConfigurationError, CredentialsError
from lotusx.kernel.secrets import Secret

KINDS = ("env", "file", "keyring", "command")
COMMAND_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a credential stands.

    Attributes:
        value: Name of the variable, path, name of the service, or the program and its arguments.
        user: With ``keyring`` only.
        where: The place in the configuration, for errors.
        folder: Where relative paths start.
        trusted: Whether a program may be run for it.
    """

    kind: str
    value: str | tuple[str, ...]
    where: str
    folder: Path
    trusted: bool
    user: str = ""

    def __str__(self) -> str:
        """Say where it stands; never what it is."""
        if self.kind == "env":
            return f"variable {self.value}"
        if self.kind == "file":
            return f"file {self.path}{_permissions(self.path)}"
        if self.kind == "keyring":
            return f"keyring {self.value}, user {self.user}"
        return f"output of {self.value[0]}"

    @property
    def path(self) -> Path:
        """Of a file: its path."""
        return self.folder / Path(str(self.value)).expanduser()

    def reveal(self, variables: Mapping[str, str]) -> Secret:
        """Fetch it. A program may take up to 30 s; nothing else runs meanwhile.

        Raises:
            CredentialsError: It is not there; the text says what is missing, never a value.
            ConfigurationError: A program is named where that is not allowed.
        """
        text = {"env": self._env, "file": self._file, "keyring": self._keyring, "command": self._command}[self.kind](
            variables
        ).strip()
        if not text:
            raise CredentialsError(f"{self.where}: {self} is empty")
        return Secret(text)

    def _env(self, variables: Mapping[str, str]) -> str:
        found = variables.get(str(self.value))
        if found is None:
            raise CredentialsError(f"{self.where}: the variable {self.value} is not set")
        return found

    def _file(self, _variables: Mapping[str, str]) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise CredentialsError(f"{self.where}: {self.path} cannot be read: {reason}") from None

    def _keyring(self, _variables: Mapping[str, str]) -> str:
        try:
            import keyring
        except ImportError:
            raise CredentialsError(
                f'{self.where}: the keyring needs one more package: pip install "lotusx-core[keyring]"'
            ) from None
        try:
            found: str | None = keyring.get_password(str(self.value), self.user)
        except Exception as error:  # the backends raise what they like
            raise CredentialsError(f"{self.where}: the keyring cannot be read ({type(error).__name__})") from None
        if found is None:
            raise CredentialsError(f"{self.where}: {self} has no password")
        return found

    def _command(self, _variables: Mapping[str, str]) -> str:
        import subprocess

        if not self.trusted:
            raise ConfigurationError(
                f"{self.where}: a document that was merely found in the working directory may not name a program to "
                "run. Put this into your own lotusx.toml, or name the document: LOTUSX_CONFIG=… or config=…"
            )
        try:
            done = subprocess.run(
                list(self.value), stdout=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S, check=False, cwd=self.folder
            )
        except subprocess.TimeoutExpired:
            reason = f"took longer than {COMMAND_TIMEOUT_S:g} s"
        except OSError as error:
            reason = f"cannot be run: {error.strerror}"
        else:
            if done.returncode == 0:
                return done.stdout.decode("utf-8", "replace")
            reason = f"ended with status {done.returncode}"
        raise CredentialsError(f"{self.where}: {self.value[0]} {reason}")


def read_reference(value: Mapping[str, Any], *, where: str, folder: Path, trusted: bool) -> Reference:
    """Read the table of a document.

    Raises:
        ConfigurationError: It is none of the forms; they are named.
    """
    kinds = [kind for kind in KINDS if kind in value]
    strangers = set(value) - set(KINDS) - {"user"}
    if len(kinds) != 1 or strangers or ("user" in value) != (kinds == ["keyring"]):
        raise ConfigurationError(
            f'{where}: write the text itself, or one of {{ env = "NAME" }}, {{ file = "PATH" }}, '
            '{ keyring = "SERVICE", user = "NAME" }, { command = ["PROGRAM", "ARGUMENT"] }'
        )
    kind, found, user = kinds[0], value[kinds[0]], value.get("user", "")
    if kind == "command":
        if not isinstance(found, list) or not found or not all(isinstance(part, str) for part in found):
            raise ConfigurationError(f"{where}: command must be a list of texts: the program, then its arguments")
        return Reference(kind, tuple(found), where, folder, trusted)
    if not isinstance(found, str) or not found or not isinstance(user, str):
        raise ConfigurationError(f"{where}: {kind} must be text")
    return Reference(kind, found, where, folder, trusted, user)


def _permissions(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError:
        return " (missing)"
    if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f" (others can read it: chmod 600 {path})"
    return ""
