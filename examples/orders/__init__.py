"""Orders: a payment, a shipment, and the refund when the shipment fails."""
