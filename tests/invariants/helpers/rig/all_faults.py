"""Every fault that a plan may draw, by name. New ones live in files of their own and are listed here."""

from __future__ import annotations

from collections.abc import Mapping

from rig import faults, faults_of_messages, faults_of_orders, faults_of_sockets, faults_of_time
from rig.faults import Fault

FAULTS: Mapping[str, Fault] = {
    **faults.FAULTS,
    **faults_of_orders.FAULTS,
    **faults_of_time.FAULTS,
    **faults_of_sockets.FAULTS,
    **faults_of_messages.FAULTS,
}
