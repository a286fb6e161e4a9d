"""People who sign up: verification, tips a day later, a morning digest, a membership fee."""
