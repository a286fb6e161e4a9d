"""For tests of workflows: runs without a broker, a worker process or waiting.

pytest -p orchestrator.testing.plugin

def test_onboarding(runs):
    run = runs.start(onboard_customer, customer)
    runs.advance("30d")
    assert run.refresh().status == "completed"
"""
