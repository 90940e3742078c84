"""What lies in a prepared folder beside the records: rows, sources, settings; and older formats."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
