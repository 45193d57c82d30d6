"""Mail: what messages say, and how they reach the mail server.

Owns: the templates of all mails, the derivation of their codes and links at the time of sending, SMTP by Flask-Mail,
and the difference between accepted, deferred and refused. Does not own: the queue (storage), when to try again (flows),
nor who may be written to.
"""
