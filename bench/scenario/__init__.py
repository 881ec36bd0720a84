"""Scenario: what people write down to have months projected."""
