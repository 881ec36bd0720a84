"""Errors: what pricing refuses, as one tree.

PricingError
├── BadForm             unknown key, missing key or wrong type in plain data
│   ├── BadQuestion     a price question that is no valid question
│   └── BadBook         a book file that can't be trusted
├── BadAmount           text that is no exact decimal amount
├── BadVariant          a size, quality or option that the model doesn't take
├── BadQuantity         negative, contradictory or impossible quantities
├── BadScheme           a gateway scheme that can't be applied
├── UnknownModel        no book holds the model, or no book has the vendor
├── UnknownPrice        the model is known, the rate asked for is not
│   └── OutsideLife     the date lies outside what the book knows
└── UnknownQuantity     the rate is known, the quantity is not
"""


class PricingError(Exception):
    """Anything that pricing refuses; the message is one sentence for people."""


class BadForm(PricingError):
    """Plain data has an unknown or missing key, or a value of the wrong type."""


class BadQuestion(BadForm):
    """A price question is no valid question (unknown key, wrong type)."""


class BadBook(BadForm):
    """A price book contradicts itself or lacks a source or date."""


class BadAmount(PricingError):
    """A text is no exact decimal amount."""


class BadVariant(PricingError):
    """A size, quality or option is not one that the model takes."""


class BadQuantity(PricingError):
    """A quantity is negative, contradictory or impossible."""


class BadScheme(PricingError):
    """A gateway's price scheme can't be applied."""


class UnknownModel(PricingError):
    """No book holds the model or the vendor."""


class UnknownPrice(PricingError):
    """The model is known; the rate asked for is not."""


class OutsideLife(UnknownPrice):
    """The date lies outside the life of a model or of its known rates."""


class UnknownQuantity(PricingError):
    """The rate is known; the quantity is not, and nothing computes it.

    Attributes:
        quantity: the field that is unknown, for example ``output_image_tokens``.
    """

    def __init__(self, quantity: str, sentence: str) -> None:
        super().__init__(sentence)
        self.quantity = quantity
