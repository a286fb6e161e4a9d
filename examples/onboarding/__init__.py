"""Customers: onboarding with a KYC review by people, and the life of a subscription."""
