"""Stand-ins for Pulumi plugins that a machine without access to the vendor's downloads cannot get.

They speak the engine's provider protocol, know just the resource types and fields that this project uses,
and say at start that they are stand-ins. On a machine that can download the vendor's plugins none of this runs.
"""
