"""Dock controller: messages, protocol document, golden vectors."""
