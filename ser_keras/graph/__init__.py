"""What is inside an exported graph."""
