"""How large a lap may be."""

from pydantic import BaseModel, ConfigDict, Field


class PayloadLimits(BaseModel):
    """Limits of one lap; over any of them it is answered `rejected`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wire_bytes: int = Field(default=16 * 2**20, gt=0, description="bytes of the MQTT payload")
    decoded_bytes: int = Field(default=128 * 2**20, gt=0, description="bytes after decompression")
    frames: int = Field(default=120_000, gt=0, description="frames of one lap")
