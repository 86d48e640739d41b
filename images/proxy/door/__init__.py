"""The front door: keeps NGINX running and its certificate valid. `python3 -m door`, the image's one entry point.

settings -> issuer (acme, authority or provided) -> store -> nginx, in the loop of keeper.py; status.py tells how it goes.
Modules name each other relatively: in the image this package is `door`, in the project `images.proxy.door`.
"""
