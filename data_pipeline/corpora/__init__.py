"""One reader a corpus: from a folder, or a CSV file, to `Utterance` rows."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
