"""What the tests of the examples share: services that answer at once, and an editor."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User


@pytest.fixture(autouse=True)
def quick_services(settings):
    settings.EXAMPLES_LATENCY = 0


@pytest.fixture
def edda(person) -> User:
    return person("edda", "content-team")


@pytest.fixture
def ruth(person) -> User:
    return person("ruth", "compliance-team")
