"""All reads of the dashboard. Views call these, and no ORM of their own."""
