"""Badge reader: messages, protocol document, golden vectors."""
