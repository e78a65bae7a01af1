"""Classical statements about factored gradient flows."""
