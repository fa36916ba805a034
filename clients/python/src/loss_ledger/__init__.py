"""Loss Ledger from Python.

    from loss_ledger import Ledger

    ledger = Ledger("http://127.0.0.1:3000")
    experiment = ledger.submit(spec).wait()
    experiment.layers("train")          # a DataFrame
    experiment.plot("ledger")           # a matplotlib figure
"""

from .errors import (
    ApiError,
    ExperimentFailed,
    FieldError,
    LedgerError,
    UnbalancedWarning,
    Unreachable,
)
from .experiment import Experiment
from .ledger import Ledger, compare
from .recording import Recording, record
from .sweep import Sweep
from .tensors import Tensor

__all__ = [
    "ApiError",
    "Experiment",
    "ExperimentFailed",
    "FieldError",
    "Ledger",
    "LedgerError",
    "Recording",
    "Sweep",
    "Tensor",
    "UnbalancedWarning",
    "Unreachable",
    "compare",
    "record",
]
__version__ = "0.1.0"
