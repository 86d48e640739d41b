"""Suite `door`: what people meet at the front door, and how little of it they notice when the hub restarts. In the order of the
numbers; the silent websocket is opened first and looked at last."""
