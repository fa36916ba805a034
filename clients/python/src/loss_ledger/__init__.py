"""Loss Ledger from Python.

    from loss_ledger import Ledger

    ledger = Ledger("http://127.0.0.1:3000")
    experiment = ledger.submit(spec).wait()
    experiment.layers("train")          # a DataFrame
    experiment.plot("ledger")           # a matplotlib figure
"""

import sys

if sys.version_info < (3, 10):
    # Said before anything of it is read, which an older one may not understand.
    raise ImportError("loss_ledger needs Python 3.10 or later, this is %d.%d" % sys.version_info[:2])

from .errors import (
    ApiError,
    ExperimentFailed,
    FieldError,
    InvalidArgument,
    LedgerError,
    NotFound,
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
    "InvalidArgument",
    "Ledger",
    "LedgerError",
    "NotFound",
    "Recording",
    "Sweep",
    "Tensor",
    "UnbalancedWarning",
    "Unreachable",
    "compare",
    "record",
]
__version__ = "0.1.0"
