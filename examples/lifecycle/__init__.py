"""The life of an order as a state machine: paid, packed, shipped, and perhaps sent back."""
