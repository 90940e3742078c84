"""Terms of the corpora that a model was trained on, for its card: they bind the model, too."""

from collections.abc import Iterable

# By the name that a reader gives its corpus.
TERMS = {
    "emodb": "EmoDB: free to use, and asks to be cited. Burkhardt, Paeschke, Rolfes, Sendlmeier "
    'and Weiss, "A database of German emotional speech", Interspeech 2005.',
    "nemo": "nEMO: CC BY-NC-SA 4.0, not for commercial use, what is made of it under the same "
    'licence. Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024.',
    "ravdess": "RAVDESS: CC BY-NC-SA 4.0, not for commercial use, what is made of it under the "
    'same licence. Livingstone and Russo, "The Ryerson Audio-Visual Database of Emotional Speech '
    'and Song (RAVDESS)", PLoS ONE 13(5), 2018.',
}


def terms_of(corpora: Iterable[str]) -> list[str]:
    """A sentence a corpus: its terms where they are known, else that they apply."""
    unknown = "{}: its licence applies to what is made of it, too."
    return [TERMS.get(name, unknown.format(name)) for name in corpora]
