"""The rules of the house: who may sign in, with what, and until when.

Pure Python without input or output: the clock, the database and the request come in as arguments, so that every rule
can be read and tested by itself. Passwords are the only place where a library (bcrypt) is used.
"""
