"""Helpers that know nothing of random features: checks, memory, threads, interrupts."""
