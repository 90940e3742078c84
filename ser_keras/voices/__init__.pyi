from .adapting import Adapted as Adapted
from .adapting import adapt as adapt
from .linear_head import LinearHead as LinearHead
from .statistics import normalised as normalised
from .statistics import profile_of as profile_of

__all__ = ["Adapted", "LinearHead", "adapt", "normalised", "profile_of"]
