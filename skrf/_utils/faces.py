"""The public modules of classes that are defined in private files."""


def publish(module, *classes):
    """Give classes the public module they are imported from, which pickles then name."""
    for cls in classes:
        cls.__module__ = module
