"""What a team of reviewers has to do in a day: customers to check again, payments, letters."""
