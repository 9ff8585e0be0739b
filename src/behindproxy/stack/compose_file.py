"""Compose files as data."""

from pathlib import Path
from typing import Any


def load(path: Path) -> dict[str, Any]:
    """Return what a compose file says, without what its variables stand for.

    What `!reset` and `!override` stand before is taken as it is. Raise ValueError where it is no YAML.
    """
    import yaml  # here, since most commands read no compose file

    class Loader(yaml.SafeLoader):
        """Knows Compose's tags."""

    def untagged(loader: Loader, _suffix: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None

    Loader.add_multi_constructor("!", untagged)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: is no mapping")
    return content
