"""Write a plugin for another exchange: a distribution that installs, is found and whose tests run at once.

What it does not know it leaves unwritten: the capabilities say so, the ports raise `NotSupported`, and each unwritten
part is an expected failure with its reason.
"""

from lotusx_cli.scaffold.answers import Answers, Market, Scheme, name_problems
from lotusx_cli.scaffold.writing import Written, write

__all__ = ["Answers", "Market", "Scheme", "Written", "name_problems", "write"]
