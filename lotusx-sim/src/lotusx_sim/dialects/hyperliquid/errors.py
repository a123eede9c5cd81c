"""The venue's refusals, by layer: HTTP status, whole action, one item of an action."""


class HttpError(Exception):
    """Answered with an HTTP status and a text instead of JSON; *body* is what is sent."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


class RateLimited(HttpError):
    def __init__(self) -> None:
        super().__init__(429, "null")


class ActionError(Exception):
    """The whole action is refused: ``{"status": "err", "response": text}``."""


class ItemError(Exception):
    """One order, cancel or modification is refused: ``{"error": text}``, with the asset where one is named."""

    def __init__(self, text: str, *, asset: int | None = None, status: str = "rejected") -> None:
        super().__init__(text if asset is None else f"{text} asset={asset}")
        self.status = status  # what the order is from now on, as order queries tell it


class UnknownCoin(Exception):
    """A coin, dex or book depth that does not exist; what follows depends on who asked."""


def bad_json() -> HttpError:
    return HttpError(400, "Failed to parse the request body as JSON")


def bad_body() -> HttpError:
    return HttpError(422, "Failed to deserialize the JSON body into the target type")


def no_such_wallet(address: str) -> ActionError:
    return ActionError(f"User or API Wallet {address} does not exist.")


def must_deposit(address: str) -> ActionError:
    return ActionError(f"Must deposit before performing actions. User: {address}")


NEVER_PLACED = "Order was never placed, already canceled, or filled."
NOT_MODIFIABLE = "Cannot modify canceled or filled order"
