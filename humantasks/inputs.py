"""Form fields that read what people type: lines, and numbers as their country writes them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.formats import get_format

_SPACES = re.compile(r"[\s\u00a0\u202f']")
# What Python reads: no exponents as large as a bomb, no NaN, no infinity.
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


class TextField(forms.CharField):
    """A text whose lines end as they do on every other system than the browser's."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class LinesField(TextField):
    """A list of texts, one on each line."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.split("\n") if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value


class LocalNumberField(forms.Field):
    """A number as the reader's language writes it: 1,234.50 or 1.234,50.

    An int for a whole number, else the text in Python's form: the model decides between
    float and Decimal, and no digit is lost on the way.
    """

    default_error_messages = {"invalid": ""}  # noqa: RUF012 - Django reads it

    def __init__(self, *, is_whole: bool, **options: Any) -> None:
        super().__init__(**options)
        self.is_whole = is_whole

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        text = plain_number(str(value))
        if not _PLAIN_NUMBER.fullmatch(text) or len(text) > MAX_DIGITS:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        if not self.is_whole:
            return text
        number = Decimal(text)
        if number != number.to_integral_value():
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return int(number)

    def prepare_value(self, value: Any) -> Any:
        """The default as the reader writes it; what was typed stays as it was typed."""
        if isinstance(value, str) or value is None:
            return value
        try:
            return formats.number_format(Decimal(str(value)), use_l10n=True)
        except InvalidOperation:
            return value


MAX_DIGITS = 100


def plain_number(text: str) -> str:
    """A number without the marks between thousands, and with a point.

    A mark that could be both is read as the reader's language has it: 1.234 is over a
    thousand in German. What is no group of three is a decimal point all the same.
    """
    text = _SPACES.sub("", text)
    point, thousands = get_format("DECIMAL_SEPARATOR"), get_format("THOUSAND_SEPARATOR")
    whole, mark, rest = text.partition(point)
    grouped = re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole)
    if thousands and grouped:
        whole = whole.replace(thousands, "")
    return f"{whole}.{rest}" if mark else whole
