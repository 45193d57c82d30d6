"""Traces for OpenTelemetry, where its packages are installed and the environment says where to send them.

Owns everything of OpenTelemetry. A span holds names and figures: the route instead of the address, the command instead
of what was asked, the journey's reference; nothing of a person.
"""
