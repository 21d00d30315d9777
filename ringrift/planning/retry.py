"""How often and after which delays a transient failure of a connection is tried again; the documented numbers."""

from pydantic import Field

from ringrift.strict import Strict


class RetryPolicy(Strict):
    """Transient failures of a connection: one try, then `retries` more after growing, jittered delays."""

    retries: int = Field(default=3, ge=0, le=10)
    base_delay_s: float = Field(default=2.0, gt=0)
    factor: float = Field(default=2.0, ge=1)
    max_delay_s: float = Field(default=30.0, gt=0)
    jitter: float = Field(default=0.25, ge=0, le=1)  # share of a delay that is added or left out at random
