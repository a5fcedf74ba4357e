"""How long a program waits for the address of a name.

The engine answers at once for who is there. Who is not (stopped, say) it looks for outside, where
internal networks do not lead: without a limit of its own, a program waits 10 s for what it could be
told at once, and a page or a request with it.
"""

# Of glibc's resolver, see resolv.conf(5): seconds to wait, and how often to ask.
ENV = {"RES_OPTIONS": "timeout:1 attempts:2"}
