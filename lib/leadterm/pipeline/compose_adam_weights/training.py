"""For which training attention terms are counted."""

from typing import Any

from leadterm.config import TheorySection, canonical
from leadterm.errors import ConfigError


def theory_settings(section: TheorySection) -> dict[str, Any]:
    """Return the settings that scores depend on; null for those that make no difference.

    With eps 0 only signs enter to leading order, whatever the learning rate and the number of steps.

    Raises
    ------
    ConfigError
        If the config names no other optimizer than gradient descent.
    """
    if not section.is_adaptive:
        raise ConfigError(
            "theory.optimizer is 'sgd', whose attention terms are counted in any case. Set it to adam, adamw or sign "
            "for those of another optimizer."
        )
    settings = canonical(section)
    if section.optimizer != "adamw":
        settings["weight_decay"] = None
    if section.optimizer == "sign":
        settings |= {"betas": None, "eps": 0.0}
    if section.order == 1:
        settings["layers"] = None
        if settings["eps"] == 0:
            settings |= dict.fromkeys(("betas", "weight_decay", "learning_rate", "steps"))
    return settings
