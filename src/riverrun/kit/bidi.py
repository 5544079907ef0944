"""Characters that turn the direction of writing, and so can make any words read as others."""

import re

BIDI_IN_PROSE = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates."""

BIDI_IN_CODE = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
"""These, and the plain marks: prose in Arabic or Hebrew needs them for its punctuation, code never does."""
