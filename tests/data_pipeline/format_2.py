"""A prepared folder as versions before the files of rows left it, made from one of today."""

import json
from pathlib import Path


def as_format_2(folder):
    """Put all rows of a folder into `metadata.json` and `progress.jsonl`, as format 2 had them."""
    folder = Path(folder)
    settings = json.loads((folder / "settings.json").read_text()) | {"format_version": 2}
    metadata = json.loads((folder / "metadata.json").read_text()) | {"format_version": 2}
    lines, rows, offsets = [{"settings": settings}], [], {}
    for name in sorted(metadata["shards"]):
        path = folder / name.replace(".tfrecord", ".jsonl")
        head, *own = map(json.loads, path.read_text().splitlines())
        kept = {key: head[key] for key in ("key", "sha256", "rejected")}
        lines.append({"name": name, **kept, "utterances": own, "offsets": head.get("offsets", {})})
        rows += own
        offsets |= head.get("offsets", {})
        path.unlink()
    del metadata["counts"]["emotions"]
    metadata |= {"utterances": rows, **({"offsets": offsets} if offsets else {})}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "progress.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "settings.json").unlink()
    return folder
