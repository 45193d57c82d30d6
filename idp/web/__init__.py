"""Pages and protocol endpoints on Flask: read the form, call one flow, render or redirect.

Owns: addresses, cookies, CSRF, headers, languages, templates. Does not own any rule: no page decides what comes next,
who may sign in or what a client may know.
"""
