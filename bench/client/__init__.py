"""Client: requests that the openai library wrote, sent and answered."""
