"""Edges of panels for integrals over rates, on the logit scale."""

from __future__ import annotations

import numpy as np

__all__ = ["BETWEEN"]

BETWEEN = np.linspace(-36.0, 36.0, 25)
"""Logits three apart, from a rate of 2e-16 to its complement.

A loss is an integral over the rates themselves: where two posteriors lie far apart, the stretch
between them counts in full, and panels that follow the posteriors alone leave it to one of them.
"""
