"""One process holds the exchange connections; many others use them through a NATS broker, with the same API.

In the process that has the keys: `Gateway`. In the others: ``lotusx.connect("gateway:binance")``.
"""

from lotusx_gateway.gateway import Gateway
from lotusx_gateway.login import Tls
from lotusx_gateway.permissions import User, render_permissions
from lotusx_gateway.subjects import Subjects

__all__ = ["Gateway", "Subjects", "Tls", "User", "render_permissions"]
