"""Part ``federation``: a signed aggregate is made ready and asked, against plain pysaml2 on the same file.

Owns: synthetic aggregates of the form and size that RENATER and eduGAIN publish, one process a side and measurement,
the ratios, and what one response's verification costs against the xmlsec1 program. Does not own: the servers.
"""
