"""Colours of the page and of the figures, the same in both, told apart with any kind of colour vision."""

VIRIDIS = (
    "#440154", "#481467", "#482576", "#453781", "#404688", "#39558c", "#33638d", "#2d718e", "#287d8e",
    "#238a8d", "#1f968b", "#20a386", "#29af7f", "#3dbc74", "#56c667", "#75d054", "#95d840", "#bade28", "#dde318",
    "#fde725",
)  # fmt: skip
"""For scores: perceptually uniform, from 0 (dark) to the largest (bright). By S. van der Walt and N. Smith, CC0."""

DIVERGING = {
    "light": ("#12305f", "#2a5a9c", "#6f9bd1", "#b9cfe8", "#f5f3ee", "#f0cfa5", "#dd9a54", "#b0641d", "#6d3506"),
    "dark": ("#a9d0ff", "#6ba6ea", "#3f76ba", "#284a75", "#20242b", "#6b441d", "#ab6a28", "#e39a4b", "#ffd199"),
}
"""For z, blue below 0 and orange above; what is far from 0 stands out from the page, whether it is light or dark."""

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""For lines: Okabe and Ito's (2008)."""

LINES_DARK = ("#7fb6ff", "#ffb270")
"""The first two where the page is dark, on which they stand out."""
