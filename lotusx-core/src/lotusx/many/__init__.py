"""Several exchanges used together: `lotusx.connect_many`, and what its connections can do that one cannot.

Names are resolved when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.lazy import lazily

if TYPE_CHECKING:
    from lotusx.many.books import LiveConsolidatedBook as LiveConsolidatedBook
    from lotusx.many.connecting import Connection as Connection, Many as Many, connect_many as connect_many
    from lotusx.many.consolidating import (
        ConsolidatedBook as ConsolidatedBook,
        ConsolidatedLevel as ConsolidatedLevel,
        Leg as Leg,
        LegBook as LegBook,
        LegState as LegState,
        consolidate as consolidate,
    )
    from lotusx.many.hosting import Failures as Failures
    from lotusx.many.matching import (
        Match as Match,
        Product as Product,
        base_quantity as base_quantity,
        match as match,
        product_of as product_of,
        require_same as require_same,
    )
    from lotusx.many.merging import Merged as Merged, SourceEnded as SourceEnded
    from lotusx.many.portfolio import (
        AssetTotal as AssetTotal,
        Holdings as Holdings,
        Portfolio as Portfolio,
        Reading as Reading,
        ReadState as ReadState,
    )

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        ".books": "LiveConsolidatedBook",
        ".connecting": "Connection Many connect_many",
        ".consolidating": "ConsolidatedBook ConsolidatedLevel Leg LegBook LegState consolidate",
        ".hosting": "Failures",
        ".matching": "Match Product base_quantity match product_of require_same",
        ".merging": "Merged SourceEnded",
        ".portfolio": "AssetTotal Holdings Portfolio ReadState Reading",
    },
)
