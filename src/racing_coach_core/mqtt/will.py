"""What the broker says for a client that can no longer speak."""

from pydantic import BaseModel, ConfigDict


class Will(BaseModel):
    """What the broker publishes when this client is gone without a word."""

    model_config = ConfigDict(frozen=True)

    topic: str
    payload: bytes
    retain: bool = True
