"""Records what exchanges stream, as Parquet, and replays it."""

from lotusx_recorder.capture import write_capture
from lotusx_recorder.errors import NotRecorded, RecordingEnded, RecordingError
from lotusx_recorder.plugin import Recorder
from lotusx_recorder.reading import Recording
from lotusx_recorder.sinks import Origin, ParquetSink, Sink
from lotusx_recorder.writing import Count

__all__ = [
    "Count",
    "NotRecorded",
    "Origin",
    "ParquetSink",
    "Recorder",
    "Recording",
    "RecordingEnded",
    "RecordingError",
    "Sink",
    "write_capture",
]
