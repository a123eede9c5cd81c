"""Orders from the caller's side: the desk that sends commands once and finds out how they ended, and order handles."""

from lotusx.orders.desk import OrderDesk as OrderDesk
from lotusx.orders.handle import Order as Order
from lotusx.orders.ids import ClientOrderIds as ClientOrderIds
from lotusx.orders.journal import Intent as Intent, Journal as Journal
from lotusx.orders.leftovers import Recovered as Recovered
