"""Routes that learn to write their address when it is first wanted."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LateRule(Rule):
    """A route as Werkzeug has it, but for when it gets the two functions that write its address.

    Werkzeug composes and compiles them as a rule is added: of our hundreds of rules that is half of
    what it takes to put the application together, and most are never asked for an address.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        """A function that puts the real one in its own place when it is first called."""
        make = super()._compile_builder
        name = "_build_unknown" if append_unknown else "_build"

        def build(rule: LateRule, /, **values: Any) -> tuple[str, str]:
            made = make(append_unknown)
            setattr(rule, name, made.__get__(rule, None))
            return made(rule, **values)

        return build
