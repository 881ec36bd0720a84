"""Images: pictures told apart, checked and kept."""
