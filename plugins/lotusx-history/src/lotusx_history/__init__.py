"""Candles, trades and funding rates of any range into Parquet files: resumed, counted, gaps listed."""

from lotusx_history.completeness import Report
from lotusx_history.downloading import Downloader, Progress
from lotusx_history.query import Kind, Query
from lotusx_history.spreading import fetch

__all__ = ["Downloader", "Kind", "Progress", "Query", "Report", "fetch"]
