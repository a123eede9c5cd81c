"""What can be wrong with a recording, or with what is asked of one."""

from __future__ import annotations

from lotusx.errors import ConfigurationError, RefusedBeforeSending, StreamClosed


class RecordingError(ConfigurationError):
    """A recording cannot be read: not there, not ours, damaged, or of another schema."""


class NotRecorded(RefusedBeforeSending):
    """The recording has no answer to this, and none is invented."""


class RecordingEnded(StreamClosed):
    """Nothing more of the stream can be replayed: all of it was, or the text says why not."""
