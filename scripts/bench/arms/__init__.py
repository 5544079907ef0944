"""The arms that a benchmark compares. Each is a program that serves, and tells how it is when it is asked."""
