"""The refusal of an act."""

from handcart.acts.rules import GOODS, RULES
from handcart.core.errors import ApiError


class ActRefused(ApiError):
    """An act breaks a rule of `rules.RULES`; its message is for the shopper. `goods`: what to do with the goods.

    `about`: what the refusal is about, such as the codes of bags.
    """

    def __init__(self, rule: str, about: str = "", goods: str | None = None) -> None:
        sentences = [RULES[rule].text.format(about), *([] if goods is None else [GOODS[goods]])]
        super().__init__(409, " ".join(sentences), None)
        self.rule = rule
        self.about = about
        self.goods = goods
